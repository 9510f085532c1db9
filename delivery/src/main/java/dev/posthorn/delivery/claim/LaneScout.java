package dev.posthorn.delivery.claim;

import dev.posthorn.delivery.background.Pace;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Finds the lanes in which something is claimable. Mostly by looking at what has come lately; now and then, and when told that something
 * has come back, by a sweep over all of them, which is the net below. For one thread: that of the dispatcher.
 */
final class LaneScout {
    static final String DISCOVER = """
            SELECT lane, place
            FROM posthorn.discover_webhook_lanes(?, ?)
            WHERE (SELECT posthorn.begin_node_statement())
            """;
    private static final String OBSERVE = """
            SELECT at, last_position, oldest_xid, next_xid, epoch, heads
            FROM posthorn.observe_webhook_lanes(?, ?, ?)
            WHERE (SELECT posthorn.begin_node_statement())
            """;

    private static final int MOST_OBSERVED = 1000;
    private static final Duration DISCOVERY = Duration.ofMillis(3);
    private static final Duration OBSERVATION = Duration.ofMillis(100);
    /** Retries that were passed over, because they were locked, are looked for this long; then it is the sweep that finds them. */
    private static final Duration DUE_LATELY = Duration.ofSeconds(10);

    private final Lanes lanes;
    private final Pace discovery = new Pace(DISCOVERY, 3);
    private final Pace observation = new Pace(OBSERVATION, 20);
    private long arrivedAfterMillis;
    private @Nullable Instant observedAt;

    LaneScout(Lanes lanes) {
        this.lanes = lanes;
    }

    /** How long until it is time to look for what has come lately. */
    long nanosUntilLook() {
        return discovery.nanosLeft();
    }

    /** Whether it is time to look, or one was told to. */
    boolean isDue(boolean now) {
        return now || discovery.isOver();
    }

    /**
     * Looks for what has come lately. If it fails nothing is missed: what was found stays open, what was not brought back is due still, and what
     * was brought back unheard of is found by a sweep.
     */
    void look(Connection connection) throws SQLException {
        if (observation.isOver()) {
            observe(connection);
        }
        // Taken before the look: what had been committed when it became safe is seen by this look at the latest.
        long safe = lanes.safeMillis();
        discover(connection);
        if (safe > 0) {
            arrivedAfterMillis = safe;
        }
    }

    private void observe(Connection connection) throws SQLException {
        long begun = System.nanoTime();
        List<Lanes.Turn> turns = lanes.toObserve(MOST_OBSERVED);
        try (PreparedStatement statement = connection.prepareStatement(OBSERVE)) {
            DeliveryClaimer.setLanes(statement, 1, turns);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                Instant at = row.getObject(1, OffsetDateTime.class).toInstant();
                @Nullable
                Long[] heads = row.getArray(6) == null
                        ? new @Nullable Long[0]
                        : (@Nullable Long[]) row.getArray(6).getArray();
                lanes.observed(
                        row.getObject(5, UUID.class),
                        new Lanes.Sample(at.toEpochMilli(), row.getLong(2), row.getLong(4), begun),
                        row.getLong(3),
                        turns,
                        heads);
                Instant before = observedAt;
                if (before == null || at.isBefore(before)) {
                    // What was queued before is found by a sweep.
                    arrivedAfterMillis = at.toEpochMilli();
                }
                observedAt = at;
            }
        }
        observation.done(begun);
    }

    private void discover(Connection connection) throws SQLException {
        long begun = System.nanoTime();
        try (PreparedStatement statement = connection.prepareStatement(DISCOVER)) {
            statement.setObject(1, smallestId(arrivedAfterMillis));
            Instant at = observedAt;
            if (at == null) {
                statement.setObject(2, OffsetDateTime.MIN, Types.TIMESTAMP_WITH_TIMEZONE);
            } else {
                statement.setObject(2, at.minus(DUE_LATELY).atOffset(ZoneOffset.UTC));
            }
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    UUID lane = row.getObject(1, UUID.class);
                    long place = row.getLong(2);
                    if (row.wasNull()) {
                        lanes.arrived(lane);
                    } else {
                        lanes.openFrom(lane, place);
                    }
                }
            }
        }
        discovery.done(begun);
    }

    /** The smallest version 7 UUID of a millisecond (RFC 9562, section 5.7). */
    private static UUID smallestId(long millis) {
        return new UUID(millis << 16 | 0x7000, 0x8000_0000_0000_0000L);
    }
}
