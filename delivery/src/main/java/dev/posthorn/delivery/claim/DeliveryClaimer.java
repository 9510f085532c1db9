package dev.posthorn.delivery.claim;

import dev.posthorn.delivery.session.ServiceSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Leases due deliveries in batches, lane after lane, so that none waits behind the backlog of another. For one thread, that of the
 * dispatcher.
 */
public final class DeliveryClaimer {
    private static final int MOST_LANES = 1000;
    private static final long MOST_BYTES = 16 * 1024 * 1024;

    private static final String CLAIM = """
            SELECT delivery_id, event_id, community_id, endpoint_id, lane, event_type, attempt, claimed_at, url, payload_format, body,
                   secret_version, timeout_seconds, ordered, open_after_ms
            FROM posthorn.claim_webhook_deliveries(?, ?, ?, ?, ?, ?, ?, ?, ?)
            WHERE (SELECT posthorn.begin_node_statement())
            """;
    private static final String CLAIM_PROBES = """
            SELECT delivery_id, event_id, community_id, endpoint_id, lane, event_type, attempt, claimed_at, url, payload_format, body,
                   secret_version, timeout_seconds
            FROM posthorn.claim_endpoint_probes(?, ?, ?)
            """;

    private final ServiceSession session;
    private final HeldDeliveries held;
    private final Lanes lanes;
    private final LaneScout scout;
    private final LaneSweeper sweeper;

    /**
     * Claims over the given session.
     *
     * @param held learns of what was claimed
     * @param sweeper what it has found is claimed too
     */
    public DeliveryClaimer(ServiceSession session, HeldDeliveries held, LaneSweeper sweeper) {
        this.session = session;
        this.held = held;
        this.lanes = new Lanes(held::ofLane);
        this.scout = new LaneScout(lanes);
        this.sweeper = sweeper;
    }

    /** How many nanoseconds until it is time to look again for what has come lately; not above 0 if it is. */
    public long nanosUntilLook() {
        return scout.nanosUntilLook();
    }

    /**
     * Looks for lanes in which something is claimable, where it is time to look.
     *
     * @param now look in any case
     * @return whether a claim may find something
     */
    public boolean look(boolean now) throws SQLException {
        openKnown();
        if (!scout.isDue(now)) {
            return lanes.anyOpen();
        }
        return session.singly(connection -> {
            scout.look(connection);
            return lanes.anyOpen();
        });
    }

    private void openKnown() {
        lanes.openWaiting(System.nanoTime());
        sweeper.takeInto(lanes);
    }

    /** Says that there may be room for more in lanes, because deliveries of them are no longer under way. */
    public void ended(Collection<UUID> freed) {
        freed.forEach(lanes::ended);
    }

    /** Milliseconds until a lane that is limited in its rate may give something again; the given time if that is sooner. */
    public long untilNextOpening(long atMostMillis) {
        Long next = lanes.nextOpening();
        return next == null
                ? atMostMillis
                : Math.clamp(TimeUnit.NANOSECONDS.toMillis(next - System.nanoTime()) + 1, 0, atMostMillis);
    }

    /**
     * Looks as {@link #look} does, then claims at most so many deliveries; none if nothing is due or every endpoint has as many under way as
     * it allows.
     *
     * @throws SQLException with state PH007 if the dispatcher is no longer signed on
     */
    public List<ClaimedDelivery> lookAndClaim(Lease lease, int limit, boolean now) throws SQLException {
        openKnown();
        boolean looks = scout.isDue(now);
        if (!looks && !lanes.anyOpen()) {
            return List.of();
        }
        return held(
                lease,
                () -> session.singly(connection -> {
                    if (looks) {
                        scout.look(connection);
                    }
                    List<Lanes.Turn> turns = lanes.turns(MOST_LANES);
                    return turns.isEmpty() ? List.of() : claim(connection, lease, limit, turns);
                }));
    }

    private List<ClaimedDelivery> claim(Connection connection, Lease lease, int limit, List<Lanes.Turn> turns)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CLAIM)) {
            statement.setObject(1, lease.dispatcher());
            statement.setLong(2, lease.number());
            statement.setInt(3, limit);
            setLanes(statement, 4, turns);
            statement.setObject(7, lanes.epoch(), Types.OTHER);
            statement.setArray(
                    8,
                    connection.createArrayOf(
                            "int4", turns.stream().map(Lanes.Turn::held).toArray()));
            statement.setLong(9, MOST_BYTES);
            try (ResultSet row = statement.executeQuery()) {
                return read(row, lease, turns, limit);
            }
        }
    }

    private interface Claim {
        List<ClaimedDelivery> run() throws SQLException;
    }

    /** Takes over what a claim brings: nothing if it failed. What it has leased all the same, because only its answer was lost, then returns. */
    private List<ClaimedDelivery> held(Lease lease, Claim claim) throws SQLException {
        List<ClaimedDelivery> claimed = List.of();
        try {
            claimed = claim.run();
            return claimed;
        } finally {
            held.add(lease, claimed);
        }
    }

    private record Paced(UUID endpoint, long nanos) {}

    private List<ClaimedDelivery> read(ResultSet row, Lease lease, List<Lanes.Turn> turns, int limit)
            throws SQLException {
        long now = System.nanoTime();
        List<ClaimedDelivery> claimed = new ArrayList<>();
        Map<UUID, Boolean> gave = new HashMap<>();
        Set<UUID> limited = new HashSet<>();
        Map<UUID, Paced> paced = new LinkedHashMap<>();
        Set<UUID> contended = new LinkedHashSet<>();
        Instant at = null;
        long bytes = 0;
        while (row.next()) {
            UUID lane = row.getObject(5, UUID.class);
            if (row.getObject(1) == null) {
                int millis = row.getInt(15);
                if (millis > 0) {
                    paced.put(
                            lane, new Paced(row.getObject(4, UUID.class), now + TimeUnit.MILLISECONDS.toNanos(millis)));
                } else if (millis == 0) {
                    contended.add(lane);
                } else {
                    limited.add(lane);
                }
                continue;
            }
            if (at == null) {
                at = row.getObject(8, OffsetDateTime.class).toInstant();
            }
            ClaimedDelivery delivery = read(row, lease, lane, at, now);
            claimed.add(delivery);
            gave.put(lane, row.getBoolean(14));
            bytes += delivery.body().length;
        }
        lanes.asked(turns, gave, limited, claimed.size() >= limit || bytes > MOST_BYTES / 2);
        paced.forEach((lane, until) -> lanes.pacedUntil(until.endpoint(), lane, until.nanos()));
        contended.forEach(lane -> lanes.heldByOthers(lane, now));
        return claimed;
    }

    /** Claims the oldest delivery of each endpoint that was disabled automatically and is to be tried again now. */
    public List<ClaimedDelivery> claimProbes(Lease lease, int limit) throws SQLException {
        return held(
                lease,
                () -> session.repeatably(connection -> {
                    try (PreparedStatement statement = connection.prepareStatement(CLAIM_PROBES)) {
                        statement.setObject(1, lease.dispatcher());
                        statement.setLong(2, lease.number());
                        statement.setInt(3, limit);
                        try (ResultSet row = statement.executeQuery()) {
                            long now = System.nanoTime();
                            List<ClaimedDelivery> claimed = new ArrayList<>();
                            while (row.next()) {
                                Instant at =
                                        row.getObject(8, OffsetDateTime.class).toInstant();
                                claimed.add(read(row, lease, row.getObject(5, UUID.class), at, now));
                            }
                            return claimed;
                        }
                    }
                }));
    }

    private static ClaimedDelivery read(ResultSet row, Lease lease, UUID lane, Instant at, long now)
            throws SQLException {
        return new ClaimedDelivery(
                row.getObject(1, UUID.class),
                lease,
                row.getObject(2, UUID.class),
                row.getObject(3, UUID.class),
                row.getObject(4, UUID.class),
                lane,
                row.getString(6),
                row.getInt(7),
                at,
                now,
                row.getString(9),
                row.getString(10),
                row.getBytes(11),
                row.getInt(12),
                row.getInt(13));
    }

    /** Sets three parameters: the lanes, their marks, and which of these are strict. */
    static void setLanes(PreparedStatement statement, int index, List<Lanes.Turn> turns) throws SQLException {
        UUID[] ids = new UUID[turns.size()];
        @Nullable Long[] marks = new @Nullable Long[turns.size()];
        @Nullable Boolean[] strict = new @Nullable Boolean[turns.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = turns.get(i).lane();
            marks[i] = turns.get(i).mark();
            strict[i] = turns.get(i).strict();
        }
        statement.setArray(index, statement.getConnection().createArrayOf("uuid", ids));
        statement.setArray(index + 1, statement.getConnection().createArrayOf("int8", marks));
        statement.setArray(index + 2, statement.getConnection().createArrayOf("bool", strict));
    }
}
