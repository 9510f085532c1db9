package dev.posthorn.server.cli;

import dev.posthorn.server.rest.ApiDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/**
 * Whether notifications come through, by which nodes hear of changed keys and of queued events: they do not behind a pooler that gives
 * each transaction another connection, and when PostgreSQL's queue of them is full.
 */
final class NotificationCheck {
    private static final int WAIT_MILLIS = (int) Duration.ofSeconds(2).toMillis();
    private static final String QUEUE = "SELECT round(pg_notification_queue_usage() * 100)::integer::text";

    /** Nodes notify themselves three times a second, each on a channel of its own. Another login's statements are not shown. */
    private static final String NODES = """
            SELECT count(*)::text FROM pg_stat_activity
            WHERE datname = current_database() AND query ~ '^NOTIFY posthorn_api_key_beat_' AND state_change > clock_timestamp() - interval '5 seconds'
            """;

    private NotificationCheck() {}

    /** @throws IllegalStateException saying what to mend */
    static String look(DataSource database) throws SQLException {
        try (Connection listening = database.getConnection();
                Connection telling = database.getConnection()) {
            int used = Integer.parseInt(ApiDatabase.rows(telling, QUEUE).get(0));
            if (used >= 50) {
                throw new IllegalStateException(
                        "PostgreSQL's queue of notifications is " + used
                                + " % full; end the session that listens in an open transaction: see pg_stat_activity, state idle in transaction");
            }
            String channel = "posthorn_doctor_" + UUID.randomUUID().toString().replace("-", "");
            execute(listening, "LISTEN " + channel);
            long told = System.nanoTime();
            execute(telling, "NOTIFY " + channel);
            PGNotification[] heard = listening.unwrap(PGConnection.class).getNotifications(WAIT_MILLIS);
            long millis = (System.nanoTime() - told) / 1_000_000;
            execute(listening, "UNLISTEN *");
            if (heard == null || heard.length == 0) {
                throw new IllegalStateException(
                        "notifications do not come through within 2 s, as behind a pooler in transaction mode; nodes ask the"
                                + " database for each API key and poll for events: let DATABASE_URL name PostgreSQL itself");
            }
            return "heard within " + millis + " ms; "
                    + ApiDatabase.rows(telling, NODES).get(0) + " nodes listen for changed API keys with this login";
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
