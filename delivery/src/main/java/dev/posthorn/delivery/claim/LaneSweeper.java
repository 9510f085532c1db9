package dev.posthorn.delivery.claim;

import dev.posthorn.delivery.background.Pace;
import dev.posthorn.delivery.session.ServiceSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Looks through all lanes for what is claimable, and through all retries for what is due: the net below {@link LaneScout}, which looks at what
 * has come lately only. It reads the entries of what ended long ago if a snapshot keeps them, and may then take half a minute; so it has a
 * thread of its own, and nobody who claims waits for it.
 */
public final class LaneSweeper {
    private static final String SWEEP = """
            SELECT lane, head
            FROM posthorn.sweep_webhook_lanes()
            WHERE (SELECT posthorn.begin_node_statement())
            """;

    private static final UUID GREATEST_ID = new UUID(-1, -1);
    private static final Duration SWEEPING = Duration.ofSeconds(1);

    /** A lane, and the first place at which something stood in it. */
    record Head(UUID lane, long place) {}

    private final ServiceSession session;
    private final Pace pace = new Pace(SWEEPING, 20);
    /** Of the last sweep alone: it saw all that earlier ones saw and that is still there. */
    private final AtomicReference<List<Head>> found = new AtomicReference<>(List.of());

    /** Sweeps over the given session. */
    public LaneSweeper(ServiceSession session) {
        this.session = session;
    }

    /** How long until it is time for a sweep that nobody has asked for; not above 0 if it is. */
    public long nanosUntilSweep() {
        return pace.nanosLeft();
    }

    /**
     * Sweeps. Not by two threads at once.
     *
     * @return whether there is anything in any lane
     */
    public boolean sweep() throws SQLException {
        long begun = System.nanoTime();
        try {
            List<Head> heads = session.singly(connection -> {
                bringBackDue(connection);
                return heads(connection);
            });
            found.set(heads);
            return !heads.isEmpty();
        } finally {
            pace.done(begun);
        }
    }

    /** Retries that were passed over because they were locked, however long they are due. Their lanes are among those that are seen next. */
    private static void bringBackDue(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LaneScout.DISCOVER)) {
            statement.setObject(1, GREATEST_ID);
            statement.setObject(2, OffsetDateTime.MIN, Types.TIMESTAMP_WITH_TIMEZONE);
            statement.executeQuery().close();
        }
    }

    private static List<Head> heads(Connection connection) throws SQLException {
        List<Head> heads = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(SWEEP);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                heads.add(new Head(row.getObject(1, UUID.class), row.getLong(2)));
            }
        }
        return heads;
    }

    /** Opens the lanes that were seen since the last call; for the thread that claims. */
    void takeInto(Lanes lanes) {
        lanes.swept(found.getAndSet(List.of()), System.nanoTime());
    }
}
