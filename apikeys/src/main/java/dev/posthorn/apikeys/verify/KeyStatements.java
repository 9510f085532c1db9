package dev.posthorn.apikeys.verify;

import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.verify.VerifiedKey.Reason;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** The statements of verification, each a transaction and one round trip of its own. Thread-safe. */
final class KeyStatements {
    private static final String FIND = """
            SELECT code, key_id, community_id, name, owner, mode, scopes, allowed_networks::text[], metadata::text, expires_at,
                   limit_names, limit_maxima, limit_periods, has_credits, checked_at
            FROM posthorn.validate_api_key_hash(?)
            """;
    private static final String DRAW = """
            SELECT allowed, code, granted, tokens, credits, retry_after_seconds
            FROM posthorn.lease_api_key_tokens(?, ?, ?, ?, ?, ?, ?)
            """;
    private static final String LOG_USAGES =
            "SELECT posthorn.log_api_key_usages(?, ?::timestamptz[], ?, ?, ?, ?::timestamptz[])";
    private static final String LOG_FAILURES = "SELECT posthorn.log_api_key_failures(?::inet[], ?)";
    private static final String MAINTAIN = "SELECT * FROM posthorn.maintain_api_keys()";

    private final DataSource database;

    KeyStatements(DataSource database) {
        this.database = database;
    }

    /** What a draw got; {@code granted} and {@code tokens} are 0 where there is no bucket. */
    record Draw(
            boolean allowed,
            String code,
            int granted,
            double tokens,
            @Nullable Long credits,
            @Nullable Integer retryAfterSeconds) {}

    @FunctionalInterface
    private interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    Optional<CachedKey> find(byte[] hash) throws SQLException {
        return run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(FIND)) {
                statement.setBytes(1, hash);
                // Taken before the answer was made, so that time is never thought earlier than it is.
                long asked = System.nanoTime();
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return row.getString(1).equals(Reason.UNKNOWN.code())
                            ? Optional.empty()
                            : Optional.of(key(row, asked));
                }
            }
        });
    }

    private static CachedKey key(ResultSet row, long asked) throws SQLException {
        String code = row.getString(1);
        OffsetDateTime expiresAt = row.getObject(10, OffsetDateTime.class);
        List<Network> networks = new ArrayList<>();
        for (String network : texts(row.getArray(8))) {
            networks.add(Network.parse(network));
        }
        StoredKey key = new StoredKey(
                row.getObject(2, UUID.class),
                row.getObject(3, UUID.class),
                row.getString(4),
                row.getString(5),
                row.getString(6),
                List.copyOf(texts(row.getArray(7))),
                List.copyOf(networks),
                row.getString(9),
                expiresAt == null ? null : expiresAt.toInstant(),
                limits(row),
                row.getBoolean(14));
        Reason state = code.equals(Reason.REVOKED.code())
                ? Reason.REVOKED
                : code.equals(Reason.DISABLED.code()) ? Reason.DISABLED : null;
        return new CachedKey(key, state, row.getObject(15, OffsetDateTime.class).toInstant(), asked);
    }

    private static Map<String, RateLimit> limits(ResultSet row) throws SQLException {
        List<String> names = texts(row.getArray(11));
        if (names.isEmpty()) {
            return Map.of();
        }
        Integer[] maxima = (Integer[]) row.getArray(12).getArray();
        Integer[] periods = (Integer[]) row.getArray(13).getArray();
        Map<String, RateLimit> limits = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            limits.put(names.get(i), new RateLimit(maxima[i], periods[i]));
        }
        return Map.copyOf(limits);
    }

    private static List<String> texts(@Nullable Array array) throws SQLException {
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    /**
     * Draws tokens and credits, both or neither.
     *
     * @param limit null if there is none and only credits are to be drawn
     */
    Draw draw(UUID key, String name, int cost, int wanted, @Nullable RateLimit limit, int giveBack)
            throws SQLException {
        return run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(DRAW)) {
                statement.setObject(1, key);
                statement.setString(2, name);
                statement.setInt(3, cost);
                statement.setInt(4, wanted);
                statement.setObject(5, limit == null ? null : limit.max(), java.sql.Types.INTEGER);
                statement.setObject(6, limit == null ? null : limit.periodSeconds(), java.sql.Types.INTEGER);
                statement.setInt(7, giveBack);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return new Draw(
                            row.getBoolean(1),
                            row.getString(2),
                            row.getInt(3),
                            row.getDouble(4),
                            row.getObject(5, Long.class),
                            row.getObject(6, Integer.class));
                }
            }
        });
    }

    /** Adds usage; the lists are of equal length, {@code lastUsed} is null where a call was refused. */
    void logUsages(
            List<UUID> keys,
            List<Instant> hours,
            List<String> codes,
            List<Long> calls,
            List<Long> costs,
            List<@Nullable Instant> lastUsed)
            throws SQLException {
        run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(LOG_USAGES)) {
                statement.setArray(1, connection.createArrayOf("uuid", keys.toArray()));
                statement.setArray(2, connection.createArrayOf("text", texts(hours)));
                statement.setArray(3, connection.createArrayOf("text", codes.toArray()));
                statement.setArray(4, connection.createArrayOf("int8", calls.toArray()));
                statement.setArray(5, connection.createArrayOf("int8", costs.toArray()));
                statement.setArray(6, connection.createArrayOf("text", texts(lastUsed)));
                return statement.execute();
            }
        });
    }

    /** Counts calls with unknown keys by the address they came from; null is for all others. */
    void logFailures(List<@Nullable String> sources, List<Long> calls) throws SQLException {
        run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(LOG_FAILURES)) {
                statement.setArray(1, connection.createArrayOf("text", sources.toArray()));
                statement.setArray(2, connection.createArrayOf("int8", calls.toArray()));
                return statement.execute();
            }
        });
    }

    void maintain() throws SQLException {
        run(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(MAINTAIN)) {
                return statement.execute();
            }
        });
    }

    private static @Nullable Object[] texts(List<? extends @Nullable Instant> instants) {
        @Nullable Object[] texts = new @Nullable Object[instants.size()];
        for (int i = 0; i < texts.length; i++) {
            Instant instant = instants.get(i);
            texts[i] = instant == null ? null : instant.toString();
        }
        return texts;
    }

    /** Commits by itself whatever the pool's connections are set to. */
    private <T> T run(Work<T> work) throws SQLException {
        try (Connection connection = database.getConnection()) {
            if (connection.getAutoCommit()) {
                return work.on(connection);
            }
            try {
                T result = work.on(connection);
                connection.commit();
                return result;
            } catch (SQLException | RuntimeException e) {
                connection.rollback();
                throw e;
            }
        }
    }
}
