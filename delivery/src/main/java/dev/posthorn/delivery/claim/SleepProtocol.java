package dev.posthorn.delivery.claim;

import dev.posthorn.delivery.session.ServiceSession;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;

/**
 * How a dispatcher goes to sleep without missing anything: it marks itself asleep, looks once more, then waits to be notified. Whoever
 * commits an event while somebody is asleep notifies; while all are awake nobody does, because a notification takes a global lock.
 */
public final class SleepProtocol {
    private static final String SET_ASLEEP = "SELECT posthorn.set_dispatcher_asleep(?, ?)";
    private static final String NEXT_DUE = """
            SELECT greatest(extract(epoch FROM posthorn.next_webhook_due() - posthorn.clock_now()) * 1000, 0)::bigint
            """;

    private final ServiceSession session;

    /** Works over the given session. */
    public SleepProtocol(ServiceSession session) {
        this.session = session;
    }

    /** Marks a dispatcher asleep or awake. */
    public void setAsleep(UUID dispatcher, boolean asleep) throws SQLException {
        session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(SET_ASLEEP)) {
                statement.setObject(1, dispatcher);
                statement.setBoolean(2, asleep);
                return statement.execute();
            }
        });
    }

    /** How long until the next retry is due, but no longer than the given time. */
    public Duration untilNextDue(Duration atMost) throws SQLException {
        return session.repeatably(connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(NEXT_DUE)) {
                row.next();
                long millis = row.getLong(1);
                return row.wasNull() ? atMost : Duration.ofMillis(Math.min(millis, atMost.toMillis()));
            }
        });
    }
}
