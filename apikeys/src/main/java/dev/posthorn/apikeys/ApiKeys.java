package dev.posthorn.apikeys;

import dev.posthorn.apikeys.VerifiedKey.Reason;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The keys in the table {@code posthorn.api_keys}. Never sends a key to the database, only its hash. Works within the transaction of the
 * connection it is given, whose role must be {@code posthorn_service}. Thread-safe.
 */
public final class ApiKeys {
    private static final String ISSUE = """
            INSERT INTO posthorn.api_keys (community_id, name, prefix, hash, scopes) VALUES (?, ?, ?, ?, ?)
            """;
    private static final String FIND = """
            SELECT id, community_id, name, scopes, revoked_at IS NOT NULL,
                   coalesce(expires_at <= posthorn.clock_now(), false)
            FROM posthorn.api_keys
            WHERE hash = ?
            """;
    private static final String ANY = "SELECT EXISTS (SELECT FROM posthorn.api_keys)";

    /** Makes a key and stores its hash; the key in full exists in the answer only. */
    public ApiKey issue(
            Connection connection, ApiKey.Mode mode, @Nullable UUID communityId, String name, List<String> scopes)
            throws SQLException {
        ApiKey key = ApiKey.generate(mode);
        try (PreparedStatement statement = connection.prepareStatement(ISSUE)) {
            statement.setObject(1, communityId, java.sql.Types.OTHER);
            statement.setString(2, name);
            statement.setString(3, key.prefix());
            statement.setBytes(4, key.hash());
            statement.setArray(5, connection.createArrayOf("text", scopes.toArray()));
            statement.executeUpdate();
        }
        return key;
    }

    /** Judges a presented key; a malformed one without asking the database. */
    public VerifiedKey verify(Connection connection, String presented) throws SQLException {
        Optional<ApiKey> key = ApiKey.parse(presented);
        if (key.isEmpty()) {
            return new VerifiedKey.Denied(Reason.UNKNOWN);
        }
        try (PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setBytes(1, key.get().hash());
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? judge(row) : new VerifiedKey.Denied(Reason.UNKNOWN);
            }
        }
    }

    /** Whether there is any key at all. */
    public boolean any(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ANY);
                ResultSet row = statement.executeQuery()) {
            return row.next() && row.getBoolean(1);
        }
    }

    private static VerifiedKey judge(ResultSet row) throws SQLException {
        if (row.getBoolean(5)) {
            return new VerifiedKey.Denied(Reason.REVOKED);
        }
        if (row.getBoolean(6)) {
            return new VerifiedKey.Denied(Reason.EXPIRED);
        }
        Array scopes = row.getArray(4);
        return new VerifiedKey.Valid(
                row.getObject(1, UUID.class), row.getObject(2, UUID.class), row.getString(3), List.of((String[])
                        scopes.getArray()));
    }
}
