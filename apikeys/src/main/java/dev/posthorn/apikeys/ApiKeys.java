package dev.posthorn.apikeys;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Makes and ends keys. Never sends a key to the database, only its hash. Works within the transaction of the connection it is given, as
 * whoever that connection is: a service, or a member with {@code keys:write} in the community. Thread-safe.
 *
 * <p>What the database refuses is a {@link SQLException} whose SQLSTATE says why: {@code PH001} no such community, {@code PH004} the
 * idempotency key was used before (the id of the key it made is the detail), {@code PH006} no such key, {@code PH007} its state does not
 * allow it, {@code PH008} a setting makes no sense, {@code 42501} no right.
 */
public final class ApiKeys {
    private static final String CREATE = "SELECT posthorn.store_api_key(?, ?, ?, ?::jsonb, ?)";
    private static final String CHANGE = "SELECT posthorn.change_api_key(?, ?::jsonb)";
    private static final String MODE = "SELECT k.mode FROM posthorn.api_key_summary AS k WHERE k.id = ?";
    private static final String ROTATE = "SELECT posthorn.store_api_key_rotation(?, ?, ?, ?, ?)";
    private static final String REVOKE = "SELECT posthorn.revoke_api_key(?, ?)";
    private static final String DISABLE = "SELECT posthorn.disable_api_key(?)";
    private static final String ENABLE = "SELECT posthorn.enable_api_key(?)";
    private static final String ANY = "SELECT EXISTS (SELECT FROM posthorn.api_keys)";

    /** A rotation: the key with its new text, and until when the one before is accepted. */
    public record Rotation(IssuedKey issued, Instant previousExpiresAt) {}

    /** Makes a key with a name and scopes; see {@link #create(Connection, ApiKey.Mode, String, String, String)}. */
    public IssuedKey issue(
            Connection connection, ApiKey.Mode mode, @Nullable UUID communityId, String name, List<String> scopes)
            throws SQLException {
        return create(
                connection,
                mode,
                communityId == null ? null : communityId.toString(),
                KeySettings.named(name).scopes(scopes).json(),
                null);
    }

    /**
     * Makes a key and stores its hash; the key in full exists in the answer only.
     *
     * @param community id, or {@code ext:} and the external id; null for a service key
     * @param settings a JSON object, see {@link KeySettings#json()}
     * @param idempotencyKey if a key was made with it in the last 24 hours, none is made and {@code PH004} says which
     */
    public IssuedKey create(
            Connection connection,
            ApiKey.Mode mode,
            @Nullable String community,
            String settings,
            @Nullable String idempotencyKey)
            throws SQLException {
        ApiKey key = ApiKey.generate(mode);
        try (PreparedStatement statement = connection.prepareStatement(CREATE)) {
            statement.setString(1, key.prefix());
            statement.setBytes(2, key.hash());
            statement.setString(3, community);
            statement.setString(4, settings);
            statement.setString(5, idempotencyKey);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new IssuedKey(row.getObject(1, UUID.class), key);
            }
        }
    }

    /** Changes what the settings hold, a JSON object as of {@link KeySettings#json()}, on every node at once. */
    public void change(Connection connection, UUID id, String settings) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CHANGE)) {
            statement.setObject(1, id);
            statement.setString(2, settings);
            statement.execute();
        }
    }

    /**
     * Gives a key a new text. Its id, settings, limits and usage stay; the text before is accepted for the grace.
     *
     * @param grace from 0 to 30 days, in whole seconds
     */
    public Rotation rotate(Connection connection, UUID id, Duration grace, @Nullable String idempotencyKey)
            throws SQLException {
        ApiKey key = ApiKey.generate(modeOf(connection, id));
        try (PreparedStatement statement = connection.prepareStatement(ROTATE)) {
            statement.setObject(1, id);
            statement.setString(2, key.prefix());
            statement.setBytes(3, key.hash());
            statement.setInt(4, Math.toIntExact(grace.toSeconds()));
            statement.setString(5, idempotencyKey);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Rotation(
                        new IssuedKey(id, key),
                        row.getObject(1, OffsetDateTime.class).toInstant());
            }
        }
    }

    /** Revokes a key for ever; false if it was revoked before. */
    public boolean revoke(Connection connection, UUID id, @Nullable String reason) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(REVOKE)) {
            statement.setObject(1, id);
            statement.setString(2, reason);
            return answer(statement);
        }
    }

    /** Disables a key until it is enabled; false if it was disabled already. */
    public boolean disable(Connection connection, UUID id) throws SQLException {
        return about(connection, DISABLE, id);
    }

    /** Enables a key; false if it was not disabled. */
    public boolean enable(Connection connection, UUID id) throws SQLException {
        return about(connection, ENABLE, id);
    }

    /** Whether there is any key at all. */
    public boolean any(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ANY)) {
            return answer(statement);
        }
    }

    private static ApiKey.Mode modeOf(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(MODE)) {
            statement.setObject(1, id);
            try (ResultSet row = statement.executeQuery()) {
                // Of a key that is not there, or not to be seen, the rotation itself says so.
                return row.next() && row.getString(1).equals("test") ? ApiKey.Mode.TEST : ApiKey.Mode.LIVE;
            }
        }
    }

    private static boolean about(Connection connection, String sql, UUID id) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setObject(1, id);
            return answer(statement);
        }
    }

    private static boolean answer(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            return row.next() && row.getBoolean(1);
        }
    }
}
