package dev.posthorn.delivery.upkeep;

import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.session.ServiceSession;
import java.lang.management.ManagementFactory;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * This node's place among the dispatchers: an id that is new at each start, kept alive by a beat a second. Thread-safe.
 *
 * <p>Its leases end 4 seconds of database time after the last beat. Before each send the age of that beat is looked at on two clocks:
 * the monotonic one stands still while a virtual machine sleeps, the wall clock may be set.
 */
public final class Heartbeat {
    private static final String REGISTER = "SELECT posthorn.register_dispatcher(?, ?, ?)";
    private static final String BEAT = "SELECT posthorn.beat_dispatcher(?)";
    private static final String SIGN_OFF = "SELECT posthorn.sign_off_dispatcher(?)";
    private static final Duration FRESH = Duration.ofSeconds(3);

    private final ServiceSession session;
    private final String version;
    private final AtomicLong leases = new AtomicLong();
    private volatile @Nullable Beat last;
    private volatile boolean unheard;

    private record Beat(UUID dispatcher, long firstNanos, long nanos, long wallMillis) {}

    /** Beats over the given session. */
    public Heartbeat(ServiceSession session, String version) {
        this.session = session;
        this.version = version;
    }

    /**
     * Beats once; signs on, under a new id, at the first time and whenever the database had given this node up.
     *
     * @return whether the database had been away, so that what it knows of this node's leases must be compared with what it holds
     */
    public boolean beat() throws SQLException {
        boolean wasUnheard = unheard;
        try {
            boolean away = beat(wasUnheard);
            unheard = false;
            return away;
        } catch (SQLException e) {
            unheard = true;
            throw e;
        }
    }

    private boolean beat(boolean wasUnheard) throws SQLException {
        Beat before = last;
        long nanos = System.nanoTime();
        long wall = System.currentTimeMillis();
        if (before != null && prolong(before.dispatcher())) {
            boolean gap = wasUnheard || nanos - before.nanos() > FRESH.toNanos();
            // After a pause the others are given a full period to beat before anybody is taken for lost.
            last = new Beat(before.dispatcher(), gap ? nanos : before.firstNanos(), nanos, wall);
            return gap;
        }
        UUID dispatcher = UUID.randomUUID();
        session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(REGISTER)) {
                statement.setObject(1, dispatcher);
                statement.setString(2, ManagementFactory.getRuntimeMXBean().getName());
                statement.setString(3, version);
                return statement.execute();
            }
        });
        last = new Beat(dispatcher, nanos, nanos, wall);
        return before != null;
    }

    private boolean prolong(UUID dispatcher) throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(BEAT)) {
                statement.setObject(1, dispatcher);
                try (ResultSet row = statement.executeQuery()) {
                    return row.next() && row.getBoolean(1);
                }
            }
        });
    }

    /** Whether the database answered the last beat and nothing has spoken against it since. */
    public boolean isHeard() {
        return !unheard && isFresh();
    }

    /** Somebody else could not reach the database. */
    public void doubt() {
        unheard = true;
    }

    /** Whether this node may still believe in its leases. */
    public boolean isFresh() {
        Beat beat = last;
        return beat != null
                && System.nanoTime() - beat.nanos() < FRESH.toNanos()
                && Math.abs(System.currentTimeMillis() - beat.wallMillis()) < FRESH.toMillis();
    }

    /** Whether it has been heard without a gap for longer than a lease lasts, so that it may call others lost. */
    public boolean isSteady() {
        Beat beat = last;
        return beat != null
                && isFresh()
                && System.nanoTime() - beat.firstNanos() > Duration.ofSeconds(5).toNanos();
    }

    /** Whether a lease is one of this node's and may still be used. */
    public boolean holds(Lease lease) {
        Beat beat = last;
        return beat != null && beat.dispatcher().equals(lease.dispatcher()) && isFresh();
    }

    /**
     * The token for the next claim.
     *
     * @throws IllegalStateException before the first beat
     */
    public Lease nextLease() {
        return new Lease(dispatcher(), leases.incrementAndGet());
    }

    /**
     * The id under which this node is signed on.
     *
     * @throws IllegalStateException before the first beat
     */
    public UUID dispatcher() {
        Beat beat = last;
        if (beat == null) {
            throw new IllegalStateException("not signed on yet");
        }
        return beat.dispatcher();
    }

    /** Signs off; what is still leased to this node goes back unsent. */
    public void signOff() throws SQLException {
        Beat beat = last;
        if (beat == null) {
            return;
        }
        session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(SIGN_OFF)) {
                statement.setObject(1, beat.dispatcher());
                return statement.execute();
            }
        });
        last = null;
    }
}
