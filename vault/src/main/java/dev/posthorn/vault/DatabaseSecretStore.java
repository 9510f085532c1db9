package dev.posthorn.vault;

import dev.posthorn.vault.SecretSealer.Sealed;
import dev.posthorn.vault.VaultException.Reason;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The built-in store: values encrypted in this process and kept in the database, which cannot open them. Each call is a transaction of its
 * own. Thread-safe.
 */
public final class DatabaseSecretStore implements SecretStore {
    /** Its name. */
    public static final String NAME = "database";

    private static final String READ = """
            SELECT s.owner_id, s.purpose, s.version, v.version, v.ciphertext, v.data_key_id
            FROM posthorn.vault_secrets AS s
            LEFT JOIN posthorn.vault_secret_versions AS v
                ON v.secret_id = s.id AND v.version = CASE WHEN ? = 0 THEN s.version ELSE ? END
            WHERE s.community_id = ? AND s.id = ?
            """;
    /** Whoever writes another version at the same time waits here, and then finds a newer one. */
    private static final String LOCK = """
            SELECT s.owner_id, s.purpose, s.version FROM posthorn.vault_secrets AS s WHERE s.community_id = ? AND s.id = ? FOR NO KEY UPDATE
            """;

    private static final String INSERT = """
            INSERT INTO posthorn.vault_secret_versions (secret_id, community_id, version, ciphertext, data_key_id) VALUES (?, ?, ?, ?, ?)
            """;
    private static final String ADVANCE = """
            UPDATE posthorn.vault_secrets SET version = ?, written_at = posthorn.clock_now() WHERE id = ?
            """;
    private static final String DELETE = """
            DELETE FROM posthorn.vault_secret_versions AS v
            USING posthorn.vault_secrets AS s
            WHERE s.id = v.secret_id AND s.community_id = ? AND s.id = ?
            """;
    private static final String DESCRIBE = """
            SELECT v.version, v.created_at
            FROM posthorn.vault_secrets AS s
            JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id AND v.version = s.version
            WHERE s.community_id = ? AND s.id = ?
            """;

    private final ServiceTransactions transactions;
    private final SecretSealer sealer;

    /**
     * @param database connections whose login may {@code SET ROLE posthorn_service}
     * @param master what opens the database's data keys
     */
    public DatabaseSecretStore(DataSource database, MasterKeyset master) {
        this(new ServiceTransactions(database), new SecretSealer(new DataKeys(master)));
    }

    DatabaseSecretStore(ServiceTransactions transactions, SecretSealer sealer) {
        this.transactions = transactions;
        this.sealer = sealer;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public SecretValue read(SecretAddress address, int version) {
        return transactions.run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(READ)) {
                statement.setInt(1, version);
                statement.setInt(2, version);
                statement.setObject(3, address.community());
                statement.setObject(4, address.secret());
                try (ResultSet row = statement.executeQuery()) {
                    if (!row.next()) {
                        throw missing(address);
                    }
                    int found = row.getInt(4);
                    if (row.wasNull()) {
                        throw new VaultException(
                                Reason.NOT_FOUND,
                                row.getInt(3) == 0
                                        ? "secret " + address.secret() + " has no value yet; put one"
                                        : "secret " + address.secret() + " has no version " + version,
                                null);
                    }
                    SecretBinding binding = binding(address, row.getObject(1, UUID.class), row.getString(2));
                    Sealed sealed = new Sealed(row.getBytes(5), row.getObject(6, UUID.class));
                    return new SecretValue(sealer.open(connection, binding.version(found), sealed), found);
                }
            }
        });
    }

    @Override
    public int write(SecretAddress address, byte[] value, int expected) {
        return transactions.run(connection -> {
            SecretBinding binding = lock(connection, address, expected).version(expected + 1);
            Sealed sealed = sealer.seal(connection, binding, value);
            try (PreparedStatement statement = connection.prepareStatement(INSERT)) {
                statement.setObject(1, address.secret());
                statement.setObject(2, address.community());
                statement.setInt(3, binding.version());
                statement.setBytes(4, sealed.ciphertext());
                statement.setObject(5, sealed.dataKey());
                statement.executeUpdate();
            }
            try (PreparedStatement statement = connection.prepareStatement(ADVANCE)) {
                statement.setInt(1, binding.version());
                statement.setObject(2, address.secret());
                statement.executeUpdate();
            }
            return binding.version();
        });
    }

    private static SecretBinding lock(Connection connection, SecretAddress address, int expected) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LOCK)) {
            statement.setObject(1, address.community());
            statement.setObject(2, address.secret());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw missing(address);
                }
                if (row.getInt(3) != expected) {
                    throw new VaultException(
                            Reason.CONFLICT,
                            "secret " + address.secret() + " was written by somebody else meanwhile: version "
                                    + row.getInt(3) + "; try again",
                            null);
                }
                return binding(address, row.getObject(1, UUID.class), row.getString(2));
            }
        }
    }

    @Override
    public void delete(SecretAddress address) {
        transactions.run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(DELETE)) {
                statement.setObject(1, address.community());
                statement.setObject(2, address.secret());
                return statement.executeUpdate();
            }
        });
    }

    @Override
    public Optional<Description> describe(SecretAddress address) {
        return transactions.run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(DESCRIBE)) {
                statement.setObject(1, address.community());
                statement.setObject(2, address.secret());
                try (ResultSet row = statement.executeQuery()) {
                    return row.next()
                            ? Optional.of(new Description(
                                    row.getInt(1),
                                    row.getObject(2, OffsetDateTime.class).toInstant()))
                            : Optional.empty();
                }
            }
        });
    }

    private static SecretBinding binding(SecretAddress address, @Nullable UUID owner, String purpose) {
        return new SecretBinding(address.community(), address.secret(), 0, owner, purpose);
    }

    private static VaultException missing(SecretAddress address) {
        return new VaultException(Reason.NOT_FOUND, "there is no secret " + address.secret(), null);
    }
}
