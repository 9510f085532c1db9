package dev.posthorn.delivery.store;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.delivery.session.ServiceSession;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Stores accepted events, a batch in one statement and one transaction. Thread-safe. */
public final class EventStore {
    private static final String QUEUE = """
            SELECT q.event_id, q.deliveries, q.skipped, q.duplicate, q.error_code, q.error_message
            FROM posthorn.queue_webhook_events(?, ?, ?, ?) AS q
            ORDER BY q.ordinal
            """;

    /** An idempotency key that an open transaction has used is waited for; but whoever shares our transaction should not wait long. */
    private static final String WAIT_FOR_KEYS = "SET LOCAL lock_timeout = '500ms'";

    /** By those who have already waited so long together. */
    private static final String HARDLY_WAIT_FOR_KEYS = "SET LOCAL lock_timeout = '10ms'";

    private static final String LOCK_NOT_AVAILABLE = "55P03";

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
        return store(events, WAIT_FOR_KEYS);
    }

    /** The same, where keys that others hold have been waited for before. */
    List<StoredEvent> storeAgain(List<AcceptedEvent> events) throws SQLException {
        return store(events, HARDLY_WAIT_FOR_KEYS);
    }

    private List<StoredEvent> store(List<AcceptedEvent> events, String wait) throws SQLException {
        return session.durably(connection -> {
            if (events.stream().anyMatch(event -> event.idempotencyKey() != null)) {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(wait);
                }
            }
            try (PreparedStatement statement = connection.prepareStatement(QUEUE)) {
                setArray(statement, 1, "uuid", events, AcceptedEvent::communityId, UUID[]::new);
                setArray(statement, 2, "text", events, AcceptedEvent::eventType, String[]::new);
                setArray(statement, 3, "text", events, AcceptedEvent::payload, String[]::new);
                setArray(statement, 4, "text", events, AcceptedEvent::idempotencyKey, String[]::new);
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

    /** Whether another transaction holds what was needed, such as an idempotency key. */
    static boolean isHeldByOthers(SQLException e) {
        return LOCK_NOT_AVAILABLE.equals(e.getSQLState());
    }

    /** The answer to events of which nothing was stored, because one of their keys is held by a transaction that has not ended. */
    static List<StoredEvent> heldByOthers(List<AcceptedEvent> events) {
        return events.stream()
                .<StoredEvent>map(
                        event -> new StoredEvent.Refused(
                                event,
                                LOCK_NOT_AVAILABLE,
                                "the idempotency key is used by a transaction that has not ended yet; repeat the request with the same key"))
                .toList();
    }

    /** The array has the type of its elements: the driver sends texts as they are then, and else escapes them letter by letter. */
    private static <T> void setArray(
            PreparedStatement statement,
            int index,
            String type,
            List<AcceptedEvent> events,
            Function<AcceptedEvent, @Nullable T> element,
            IntFunction<@Nullable T[]> array)
            throws SQLException {
        statement.setArray(
                index,
                statement
                        .getConnection()
                        .createArrayOf(type, events.stream().map(element).toArray(array)));
    }

    private static StoredEvent answer(AcceptedEvent event, ResultSet row) throws SQLException {
        String code = row.getString(5);
        if (code != null) {
            return new StoredEvent.Refused(event, code, row.getString(6));
        }
        return new StoredEvent.Queued(
                event, row.getObject(1, UUID.class), row.getInt(2), row.getInt(3), row.getBoolean(4));
    }
}
