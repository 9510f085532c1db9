package dev.posthorn.delivery.upkeep;

import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.session.ServiceSession;
import java.lang.management.ManagementFactory;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
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
    private static final String BEAT = "SELECT posthorn.beat_dispatcher(?, ?)";
    private static final String SIGN_OFF = "SELECT posthorn.sign_off_dispatcher(?)";
    private static final Duration FRESH = Duration.ofSeconds(3);
    /** SQLSTATE class 08. */
    private static final String CONNECTION_LOST = "08";
    /** SQLSTATE class 57P: shutdown, crash, or not yet started. */
    private static final String SHUT_DOWN = "57P";

    private final ServiceSession session;
    private final String version;
    private final AtomicLong leases = new AtomicLong();
    private volatile @Nullable Beat last;
    private volatile boolean unheard;
    /** A connection was lost since the last beat. */
    private final AtomicBoolean cut = new AtomicBoolean();

    private record Beat(UUID dispatcher, long nanos, long wallMillis) {}

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
        boolean wasCut = cut.getAndSet(false);
        try {
            boolean away = beat(wasUnheard, wasCut);
            unheard = false;
            return away;
        } catch (SQLException e) {
            cut.set(true);
            unheard = true;
            throw e;
        }
    }

    private boolean beat(boolean wasUnheard, boolean wasCut) throws SQLException {
        Beat before = last;
        long nanos = System.nanoTime();
        long wall = System.currentTimeMillis();
        if (before != null && prolong(before.dispatcher(), wasCut)) {
            last = new Beat(before.dispatcher(), nanos, wall);
            return wasUnheard || nanos - before.nanos() > FRESH.toNanos();
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
        last = new Beat(dispatcher, nanos, wall);
        return before != null;
    }

    private boolean prolong(UUID dispatcher, boolean interrupted) throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(BEAT)) {
                statement.setObject(1, dispatcher);
                statement.setBoolean(2, interrupted);
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

    /**
     * Something else failed at the database. If it lost its connection, so may all others have: then this node bears no witness against
     * them for as long as a lease lasts. What the database refused, such as a serialization failure, says nothing of the others.
     */
    public void doubt(SQLException failure) {
        String state = String.valueOf(failure.getSQLState());
        if (state.startsWith(CONNECTION_LOST) || state.startsWith(SHUT_DOWN)) {
            cut.set(true);
        }
        unheard = true;
    }

    /** Whether this node may still believe in its leases. */
    public boolean isFresh() {
        Beat beat = last;
        return beat != null
                && System.nanoTime() - beat.nanos() < FRESH.toNanos()
                && Math.abs(System.currentTimeMillis() - beat.wallMillis()) < FRESH.toMillis();
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
