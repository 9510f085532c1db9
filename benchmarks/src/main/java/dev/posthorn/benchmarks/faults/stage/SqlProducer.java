package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.log.Journal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** An application that queues in transactions of its own, some of which it rolls back. */
final class SqlProducer extends Producer {
    /** Of a producer that lies: so long that ten cuts of its connection do not all miss it. */
    private static final Duration BETWEEN_ACKNOWLEDGEMENT_AND_COMMIT = Duration.ofMillis(8);

    private static final String QUEUE = """
            SELECT q.event_id
            FROM generate_series(?::bigint, ?::bigint) AS n
            CROSS JOIN LATERAL posthorn.queue_webhook(?, ?, jsonb_build_object('number', n, 'note', 'a payment of ' || n)) AS q
            """;
    private static final String QUEUE_MANY = """
            SELECT q.event_id
            FROM posthorn.queue_webhook_events(
                ARRAY(SELECT posthorn.find_community(?) FROM generate_series(1, ?::integer)),
                array_fill(?::text, ARRAY[?::integer]),
                ARRAY(SELECT '{"number":' || n || '}' FROM generate_series(?::bigint, ?::bigint) AS n)) AS q
            """;

    private final String url;
    private final Acknowledgement acknowledgement;
    private @Nullable Connection connection;

    SqlProducer(Community community, int ordinal, long seed, Journal log, String url, Acknowledgement acknowledgement) {
        super(community, ordinal, seed, log);
        this.url = url;
        this.acknowledgement = acknowledgement;
    }

    @Override
    void queue() {
        long begun = Journal.now();
        List<String> events = List.of();
        boolean committing = false;
        try {
            Connection open = connected();
            events = store(open, 1 + random.nextInt(community.eventsEach()));
            if (random.nextInt(12) == 0) {
                open.rollback();
                log("undone", begun, events);
                return;
            }
            if (acknowledgement == Acknowledgement.BEFORE_COMMIT) {
                log("acked", begun, events);
                LockSupport.parkNanos(BETWEEN_ACKNOWLEDGEMENT_AND_COMMIT.toNanos());
            }
            committing = true;
            open.commit();
            if (acknowledgement != Acknowledgement.BEFORE_COMMIT) {
                log("acked", begun, events);
            }
        } catch (SQLException e) {
            if (acknowledgement != Acknowledgement.BEFORE_COMMIT && !events.isEmpty()) {
                // Without an answer to COMMIT nobody but the database knows.
                log(committing ? "doubtful" : "undone", begun, events);
            }
            trouble(String.valueOf(e.getMessage()));
            release();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    private List<String> store(Connection open, int count) throws SQLException {
        long from = nextNumber();
        long to = from;
        for (int more = 1; more < count; more++) {
            to = nextNumber();
        }
        boolean many = community.eventsEach() > 10;
        try (PreparedStatement statement = open.prepareStatement(many ? QUEUE_MANY : QUEUE)) {
            if (many) {
                statement.setString(1, "ext:" + community.name());
                statement.setInt(2, count);
                statement.setString(3, EVENT_TYPE);
                statement.setInt(4, count);
                statement.setLong(5, from);
                statement.setLong(6, to);
            } else {
                statement.setLong(1, from);
                statement.setLong(2, to);
                statement.setString(3, "ext:" + community.name());
                statement.setString(4, EVENT_TYPE);
            }
            List<String> events = new ArrayList<>(count);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    events.add(rows.getString(1));
                }
            }
            return events;
        }
    }

    private Connection connected() throws SQLException {
        Connection open = connection;
        if (open == null || open.isClosed()) {
            open = DriverManager.getConnection(url);
            connection = open;
            try (Statement role = open.createStatement()) {
                role.execute("SET ROLE posthorn_producer");
                if (acknowledgement == Acknowledgement.AFTER_UNDURABLE_COMMIT) {
                    role.execute("SET synchronous_commit = off");
                }
            }
            open.setAutoCommit(false);
        }
        return open;
    }

    @Override
    void release() {
        try (Connection open = connection) {
            connection = null;
            if (open != null && !open.isClosed()) {
                open.rollback();
            }
        } catch (SQLException e) {
            // It was cut; the database rolls back by itself.
        }
    }
}
