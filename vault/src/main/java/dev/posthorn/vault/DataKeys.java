package dev.posthorn.vault;

import com.google.crypto.tink.Aead;
import com.google.crypto.tink.KeysetHandle;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The keys that encrypt secrets: stored wrapped by the master key, opened once and kept in memory. Thread-safe. */
final class DataKeys {
    /** Locked, so that a key is retired only once whoever encrypts with it is done, and rotation misses nothing. */
    private static final String CURRENT = """
            SELECT id, wrapped_keyset, master_key_id
            FROM posthorn.vault_data_keys
            WHERE retired_at IS NULL
            ORDER BY created_at, id
            LIMIT 1
            FOR SHARE
            """;

    private static final String ALL = "SELECT id, wrapped_keyset, master_key_id FROM posthorn.vault_data_keys";
    private static final String BY_ID =
            "SELECT id, wrapped_keyset, master_key_id FROM posthorn.vault_data_keys WHERE id = ?";
    /** Two nodes that start on an empty vault must not make two keys. */
    private static final String LOCK = "SELECT pg_advisory_xact_lock(hashtext('posthorn.vault_data_keys'))";

    private static final String INSERT = """
            INSERT INTO posthorn.vault_data_keys (id, wrapped_keyset, master_key_id) VALUES (?, ?, ?)
            """;

    private final MasterKeyset master;
    private final Map<UUID, Aead> opened = new ConcurrentHashMap<>();

    /** An opened data key. */
    record DataKey(UUID id, Aead aead) {}

    DataKeys(MasterKeyset master) {
        this.master = master;
    }

    /** The key to encrypt with; made if there is none. */
    DataKey current(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CURRENT);
                ResultSet row = statement.executeQuery()) {
            if (row.next()) {
                return open(row);
            }
        }
        return create(connection);
    }

    /** Opens all that are there; a key that was opened before costs nothing. */
    void check(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ALL);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                open(row);
            }
        }
    }

    Aead byId(Connection connection, UUID id) throws SQLException {
        Aead known = opened.get(id);
        if (known != null) {
            return known;
        }
        try (PreparedStatement statement = connection.prepareStatement(BY_ID)) {
            statement.setObject(1, id);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new VaultException(
                            "the vault has lost its data key " + id + "; restore table posthorn.vault_data_keys", null);
                }
                return open(row).aead();
            }
        }
    }

    /** Makes a key, unless somebody else just has. */
    DataKey create(Connection connection) throws SQLException {
        try (PreparedStatement lock = connection.prepareStatement(LOCK)) {
            lock.execute();
        }
        try (PreparedStatement again = connection.prepareStatement(CURRENT);
                ResultSet row = again.executeQuery()) {
            if (row.next()) {
                return open(row);
            }
        }
        return insert(connection);
    }

    private DataKey insert(Connection connection) throws SQLException {
        UUID id = UUID.randomUUID();
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            KeysetHandle key = MasterKeyset.newKeyset();
            insert.setObject(1, id);
            insert.setBytes(2, master.wrap(key, associated(id)));
            insert.setString(3, master.id());
            insert.executeUpdate();
            return new DataKey(id, key.getPrimitive(MasterKeyset.TINK, Aead.class));
        } catch (GeneralSecurityException e) {
            throw new VaultException("a data key could not be made: " + e.getMessage(), e);
        }
    }

    private DataKey open(ResultSet row) throws SQLException {
        UUID id = row.getObject(1, UUID.class);
        Aead known = opened.get(id);
        if (known != null) {
            return new DataKey(id, known);
        }
        try {
            Aead aead = master.unwrap(row.getBytes(2), associated(id)).getPrimitive(MasterKeyset.TINK, Aead.class);
            opened.put(id, aead);
            return new DataKey(id, aead);
        } catch (GeneralSecurityException e) {
            throw new VaultException(
                    "the master key " + String.join(", ", master.ids())
                            + " does not open this database's secrets; give the one with id " + row.getString(3)
                            + ", beside others, one a line",
                    e);
        }
    }

    static byte[] associated(UUID id) {
        return ByteBuffer.allocate(16)
                .putLong(id.getMostSignificantBits())
                .putLong(id.getLeastSignificantBits())
                .array();
    }
}
