package dev.posthorn.vault;

import dev.posthorn.vault.SecretSealer.Sealed;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Secrets that belong to a thing, such as the header values of an endpoint: written in the transaction that writes the thing, and read in
 * bulk by what works for many things at once. Always kept in the database. Reading is not written to the audit log: it is for a dispatcher,
 * which reads whenever it sends. Thread-safe.
 *
 * <p>Each method works within the transaction of the connection it is given, whose role must be {@code posthorn_service}, and neither
 * commits nor closes it.
 */
public final class OwnedSecrets {
    /** Locks the row, so that of two writers the second makes the later version. */
    private static final String CLAIM = """
            INSERT INTO posthorn.vault_secrets AS s (id, community_id, purpose, owner_id, name)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (community_id, purpose, owner_id, name) DO UPDATE SET name = s.name
            RETURNING s.id, s.version
            """;

    private static final String STORE = """
            WITH replaced AS (
                DELETE FROM posthorn.vault_secret_versions AS v WHERE v.secret_id = ? AND v.version < ?
            ),
            advanced AS (
                UPDATE posthorn.vault_secrets AS s SET version = ?, written_at = posthorn.clock_now() WHERE s.id = ?
            )
            INSERT INTO posthorn.vault_secret_versions (secret_id, community_id, version, ciphertext, data_key_id) VALUES (?, ?, ?, ?, ?)
            """;
    private static final String REMOVE = """
            DELETE FROM posthorn.vault_secrets AS s
            WHERE s.community_id = ? AND s.owner_id = ? AND s.purpose = ? AND s.name = ANY (?)
            """;
    private static final String READ = """
            SELECT s.owner_id, s.name, s.id, s.community_id, v.version, v.ciphertext, v.data_key_id
            FROM posthorn.vault_secrets AS s
            JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id AND v.version = s.version
            WHERE s.owner_id = ANY (?) AND s.purpose = ?
            """;

    private final SecretSealer sealer;

    /** Encrypts and decrypts with data keys that the given master key wraps. */
    public OwnedSecrets(MasterKeyset master) {
        this.sealer = new SecretSealer(new DataKeys(master));
    }

    /**
     * Writes secrets of an owner, each replacing the one of that name; others are left alone.
     *
     * @param purpose what they are for, {@code [a-z][a-z_]*}; {@code endpoint_signing} and {@code endpoint_key_pair}, of
     *     which older versions stay in use, are not for this
     * @param values by name, 1 to 200 characters; the arrays are neither kept nor changed
     */
    public void put(Connection connection, UUID community, UUID owner, String purpose, Map<String, byte[]> values)
            throws SQLException {
        // In the order of the names, so that two writers do not wait for each other.
        for (Map.Entry<String, byte[]> entry : new TreeMap<>(values).entrySet()) {
            put(connection, community, owner, purpose, entry.getKey(), entry.getValue());
        }
    }

    private void put(Connection connection, UUID community, UUID owner, String purpose, String name, byte[] value)
            throws SQLException {
        SecretBinding binding = claim(connection, community, owner, purpose, name);
        Sealed sealed = sealer.seal(connection, binding, value);
        try (PreparedStatement statement = connection.prepareStatement(STORE)) {
            statement.setObject(1, binding.secret());
            statement.setInt(2, binding.version());
            statement.setInt(3, binding.version());
            statement.setObject(4, binding.secret());
            statement.setObject(5, binding.secret());
            statement.setObject(6, community);
            statement.setInt(7, binding.version());
            statement.setBytes(8, sealed.ciphertext());
            statement.setObject(9, sealed.dataKey());
            statement.executeUpdate();
        }
    }

    private static SecretBinding claim(Connection connection, UUID community, UUID owner, String purpose, String name)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CLAIM)) {
            statement.setObject(1, UUID.randomUUID());
            statement.setObject(2, community);
            statement.setString(3, purpose);
            statement.setObject(4, owner);
            statement.setString(5, name);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new SecretBinding(community, row.getObject(1, UUID.class), row.getInt(2) + 1, owner, purpose);
            }
        }
    }

    /** Deletes secrets of an owner by their names; returns how many there were. */
    public int remove(Connection connection, UUID community, UUID owner, String purpose, Collection<String> names)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(REMOVE)) {
            statement.setObject(1, community);
            statement.setObject(2, owner);
            statement.setString(3, purpose);
            statement.setArray(4, connection.createArrayOf("text", names.toArray()));
            return statement.executeUpdate();
        }
    }

    /**
     * The secrets of many owners, by owner and name, read at once. Owners without any are not in the answer.
     *
     * @throws VaultException if one cannot be decrypted: less than all would be another thing than what was meant
     */
    public Map<UUID, Map<String, SecretValue>> readAll(Connection connection, Collection<UUID> owners, String purpose)
            throws SQLException {
        Map<UUID, Map<String, SecretValue>> secrets = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setArray(1, connection.createArrayOf("uuid", owners.toArray()));
            statement.setString(2, purpose);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    UUID owner = row.getObject(1, UUID.class);
                    SecretBinding binding = new SecretBinding(
                            row.getObject(4, UUID.class), row.getObject(3, UUID.class), row.getInt(5), owner, purpose);
                    Sealed sealed = new Sealed(row.getBytes(6), row.getObject(7, UUID.class));
                    secrets.computeIfAbsent(owner, key -> new TreeMap<>())
                            .put(
                                    row.getString(2),
                                    new SecretValue(sealer.open(connection, binding, sealed), binding.version()));
                }
            }
        }
        return secrets;
    }
}
