package dev.posthorn.vault;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The statements over what is known of secrets; values are not here. */
final class SecretRows {
    private static final String COLUMNS = """
            SELECT s.id, s.community_id, s.purpose, s.owner_id, s.name, s.description, s.fields, s.store, s.reference, s.version, s.expires_at,
                   s.previous_until, coalesce(s.expires_at <= posthorn.clock_now(), false),
                   coalesce(s.previous_until > posthorn.clock_now(), false)
            FROM posthorn.vault_secrets AS s
            """;
    private static final String BY_ID = COLUMNS + "WHERE s.community_id = ? AND s.id = ?";
    private static final String BY_NAME = COLUMNS + """
            WHERE s.community_id = ? AND s.purpose = ? AND s.owner_id IS NOT DISTINCT FROM ? AND s.name = ?
            """;
    private static final String INSERT = """
            INSERT INTO posthorn.vault_secrets (id, community_id, purpose, owner_id, name, description, fields, store, reference, expires_at)
            VALUES (posthorn.generate_uuid_v7(), ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (community_id, purpose, owner_id, name) DO NOTHING
            RETURNING id
            """;
    /** The version only grows: of two that end in the other order the newer one stays. */
    private static final String FINISH = """
            UPDATE posthorn.vault_secrets AS s
            SET version = greatest(s.version, ?),
                written_at = posthorn.clock_now(),
                description = coalesce(?, s.description),
                fields = ?,
                expires_at = CASE WHEN ? THEN ? ELSE s.expires_at END,
                previous_until = posthorn.clock_now() + make_interval(secs => ?)
            WHERE s.community_id = ? AND s.id = ?
            """;

    private static final String CHANGE = """
            UPDATE posthorn.vault_secrets AS s
            SET description = coalesce(?, s.description), expires_at = CASE WHEN ? THEN ? ELSE s.expires_at END
            WHERE s.community_id = ? AND s.id = ?
            """;
    private static final String DELETE =
            "DELETE FROM posthorn.vault_secrets AS s WHERE s.community_id = ? AND s.id = ?";

    private static final String REMEMBERED = """
            SELECT k.secret_id, k.version FROM posthorn.vault_idempotency_keys AS k
            WHERE k.community_id = ? AND k.key = ? AND k.expires_at > posthorn.clock_now()
            """;
    private static final String REMEMBER = """
            INSERT INTO posthorn.vault_idempotency_keys AS k (community_id, key, secret_id, version, expires_at)
            VALUES (?, ?, ?, ?, posthorn.clock_now() + interval '24 hours')
            ON CONFLICT (community_id, key) DO UPDATE
            SET secret_id = excluded.secret_id, version = excluded.version, expires_at = excluded.expires_at
            WHERE k.expires_at <= posthorn.clock_now() OR (k.secret_id = excluded.secret_id AND k.version = excluded.version)
            RETURNING 1
            """;
    private static final String ORPHANS = """
            SELECT o.community_id, o.secret_id FROM posthorn.orphaned_secrets() AS o WHERE o.store <> 'database'
            """;
    private static final String AUDIT = """
            SELECT set_config('posthorn.actor', ?, true),
                   posthorn.record_audit(?, 'secret', ?, ?, jsonb_strip_nulls(jsonb_build_object(
                       'name', ?::text, 'purpose', ?::text, 'version', ?::integer, 'store', ?::text, 'error', ?::text)))
            """;

    private SecretRows() {}

    /** A row, and what the database's clock says of it. */
    record Found(SecretMetadata secret, boolean expired, boolean previousInUse) {}

    /** What an idempotency key stands for. */
    record Remembered(UUID secret, int version) {}

    static Optional<Found> find(Connection connection, UUID community, UUID secret) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(BY_ID)) {
            statement.setObject(1, community);
            statement.setObject(2, secret);
            return one(statement);
        }
    }

    static Optional<Found> find(Connection connection, NewSecret secret) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(BY_NAME)) {
            statement.setObject(1, secret.community());
            statement.setString(2, secret.purpose());
            statement.setObject(3, secret.owner());
            statement.setString(4, secret.name());
            return one(statement);
        }
    }

    private static Optional<Found> one(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return Optional.empty();
            }
            Array fields = row.getArray(7);
            return Optional.of(new Found(
                    new SecretMetadata(
                            row.getObject(1, UUID.class),
                            row.getObject(2, UUID.class),
                            row.getString(3),
                            row.getObject(4, UUID.class),
                            row.getString(5),
                            row.getString(6),
                            fields == null ? null : List.of((String[]) fields.getArray()),
                            row.getString(8),
                            row.getString(9),
                            row.getInt(10),
                            instant(row, 11),
                            instant(row, 12)),
                    row.getBoolean(13),
                    row.getBoolean(14)));
        }
    }

    private static @Nullable Instant instant(ResultSet row, int column) throws SQLException {
        OffsetDateTime at = row.getObject(column, OffsetDateTime.class);
        return at == null ? null : at.toInstant();
    }

    /** Returns false if there is one of that name. */
    static boolean insert(Connection connection, NewSecret secret, String store, @Nullable String reference)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(INSERT)) {
            statement.setObject(1, secret.community());
            statement.setString(2, secret.purpose());
            statement.setObject(3, secret.owner());
            statement.setString(4, secret.name());
            statement.setString(5, secret.description());
            statement.setArray(6, texts(connection, secret.fields()));
            statement.setString(7, store);
            statement.setString(8, reference);
            statement.setObject(9, time(secret.expiresAt()));
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    static void finish(Connection connection, SecretMetadata secret, int version, SecretChange change)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FINISH)) {
            statement.setInt(1, version);
            statement.setString(2, change.description());
            statement.setArray(3, texts(connection, change.fields()));
            statement.setBoolean(4, change.changesEnd());
            statement.setObject(5, time(change.expiresAt()));
            statement.setLong(
                    6,
                    change.overlap().equals(Duration.ZERO)
                            ? 0
                            : change.overlap().toSeconds());
            statement.setObject(7, secret.community());
            statement.setObject(8, secret.id());
            if (statement.executeUpdate() == 0) {
                throw new VaultException(
                        VaultException.Reason.CONFLICT,
                        "secret " + secret.id() + " was deleted while it was written",
                        null);
            }
        }
    }

    static void change(Connection connection, UUID community, UUID secret, SecretChange change) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CHANGE)) {
            statement.setString(1, change.description());
            statement.setBoolean(2, change.changesEnd());
            statement.setObject(3, time(change.expiresAt()));
            statement.setObject(4, community);
            statement.setObject(5, secret);
            statement.executeUpdate();
        }
    }

    static void delete(Connection connection, SecretMetadata secret) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(DELETE)) {
            statement.setObject(1, secret.community());
            statement.setObject(2, secret.id());
            statement.executeUpdate();
        }
    }

    /** Of stores outside of the database. */
    static List<SecretAddress> orphans(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ORPHANS);
                ResultSet row = statement.executeQuery()) {
            List<SecretAddress> orphans = new ArrayList<>();
            while (row.next()) {
                orphans.add(new SecretAddress(row.getObject(1, UUID.class), row.getObject(2, UUID.class), null));
            }
            return orphans;
        }
    }

    static Optional<Remembered> remembered(Connection connection, UUID community, String key) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(REMEMBERED)) {
            statement.setObject(1, community);
            statement.setString(2, key);
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? Optional.of(new Remembered(row.getObject(1, UUID.class), row.getInt(2)))
                        : Optional.empty();
            }
        }
    }

    /** Returns false if the key stands for something else. */
    static boolean remember(Connection connection, SecretMetadata secret, String key, int version) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(REMEMBER)) {
            statement.setObject(1, secret.community());
            statement.setString(2, key);
            statement.setObject(3, secret.id());
            statement.setInt(4, version);
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    static void audit(
            Connection connection,
            String actor,
            String action,
            SecretMetadata secret,
            int version,
            @Nullable String error)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(AUDIT)) {
            statement.setString(1, actor);
            statement.setString(2, action);
            statement.setObject(3, secret.id());
            statement.setObject(4, secret.community());
            statement.setString(5, secret.name());
            statement.setString(6, secret.purpose());
            statement.setInt(7, version);
            statement.setString(8, secret.store());
            statement.setString(9, error);
            statement.execute();
        }
    }

    private static @Nullable OffsetDateTime time(@Nullable Instant at) {
        return at == null ? null : at.atOffset(ZoneOffset.UTC);
    }

    private static @Nullable Array texts(Connection connection, @Nullable List<String> texts) throws SQLException {
        return texts == null ? null : connection.createArrayOf("text", texts.toArray());
    }
}
