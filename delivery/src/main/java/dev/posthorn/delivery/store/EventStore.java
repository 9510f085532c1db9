package dev.posthorn.delivery.store;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.delivery.session.ServiceSession;
import java.sql.Array;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Stores accepted events, a batch in one statement and one transaction. Thread-safe. */
public final class EventStore {
    private static final String QUEUE = """
            SELECT q.event_id, q.deliveries, q.skipped, q.duplicate, q.error_code, q.error_message
            FROM posthorn.queue_webhook_events(?, ?, ?, ?) AS q
            ORDER BY q.ordinal
            """;

    private final ServiceSession session;

    /** Stores over the given session. */
    public EventStore(ServiceSession session) {
        this.session = session;
    }

    /**
     * Stores all events, or refuses some of them; durable once it returns.
     *
     * @return one answer per event, in their order
     * @throws SQLException if the database cannot be reached: then nothing is known, and the caller may repeat with idempotency keys
     */
    public List<StoredEvent> store(List<AcceptedEvent> events) throws SQLException {
        return session.durably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(QUEUE)) {
                statement.setArray(
                        1,
                        array(
                                connection,
                                "uuid",
                                events.stream().map(AcceptedEvent::communityId).toArray()));
                statement.setArray(
                        2,
                        array(
                                connection,
                                "text",
                                events.stream().map(AcceptedEvent::eventType).toArray()));
                statement.setArray(
                        3,
                        array(
                                connection,
                                "text",
                                events.stream().map(AcceptedEvent::payload).toArray()));
                @Nullable Object[] keys = new @Nullable Object[events.size()];
                for (int i = 0; i < keys.length; i++) {
                    keys[i] = events.get(i).idempotencyKey();
                }
                statement.setArray(4, array(connection, "text", keys));
                List<StoredEvent> stored = new ArrayList<>(events.size());
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        stored.add(answer(events.get(stored.size()), row));
                    }
                }
                return stored;
            }
        });
    }

    private static Array array(java.sql.Connection connection, String type, @Nullable Object[] values)
            throws SQLException {
        return connection.createArrayOf(type, values);
    }

    private static StoredEvent answer(AcceptedEvent event, ResultSet row) throws SQLException {
        String code = row.getString(5);
        if (code != null) {
            return new StoredEvent.Refused(event, code, row.getString(6));
        }
        return new StoredEvent.Queued(
                event, row.getObject(1, java.util.UUID.class), row.getInt(2), row.getInt(3), row.getBoolean(4));
    }
}
