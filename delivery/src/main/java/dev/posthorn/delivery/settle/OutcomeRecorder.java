package dev.posthorn.delivery.settle;

import dev.posthorn.delivery.outage.Fault;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.session.ServiceSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Records outcomes, a batch in one transaction. Thread-safe. */
public final class OutcomeRecorder {
    private static final String RECORD = """
            SELECT r.delivery_id, coalesce(r.status::text, 'dropped'), r.superseded, r.next_attempt_at
            FROM posthorn.record_claimed_results(?, ?, ?, ?, ?, ?, ?, ?, ?) AS r
            WHERE (SELECT posthorn.begin_node_statement(?))
            """;
    private static final String UNLOCKED = "SELECT posthorn.unlocked_endpoints(?)";
    private static final String RELEASE = "SELECT posthorn.release_webhook_leases(?, ?, ?, ?, ?)";

    private final ServiceSession session;

    /** Records over the given session. */
    public OutcomeRecorder(ServiceSession session) {
        this.session = session;
    }

    /**
     * Records outcomes in the order in which the attempts ended; what was not sent goes back into the queue.
     *
     * @param patience how long to wait for each row that somebody else has locked; zero: without end
     * @return one per attempt that was made; unsent ones are not among them
     * @throws SQLException if the database cannot be reached, or with {@link #isLocked state 55P03} if it took longer than that; nothing is
     *     recorded then, and the same batch may be given again
     */
    public List<SettledDelivery> record(List<AttemptOutcome> outcomes, Duration patience) throws SQLException {
        List<AttemptOutcome> made = new ArrayList<>(outcomes.size());
        List<AttemptOutcome.Unsent> unsent = new ArrayList<>();
        for (AttemptOutcome outcome : outcomes) {
            switch (outcome) {
                case AttemptOutcome.Answered answered -> made.add(answered);
                case AttemptOutcome.Unanswered unanswered -> made.add(unanswered);
                case AttemptOutcome.Unsent notSent -> unsent.add(notSent);
            }
        }
        if (unsent.isEmpty()) {
            return session.singly(connection -> record(connection, made, patience));
        }
        return session.repeatably(connection -> {
            release(connection, unsent);
            return made.isEmpty() ? List.of() : record(connection, made, patience);
        });
    }

    /** Those of the endpoints of which results can be recorded now, because nobody has their health locked. */
    public Set<UUID> unlocked(Set<UUID> endpoints) throws SQLException {
        return session.repeatably(connection -> {
            Set<UUID> free = new HashSet<>();
            try (PreparedStatement statement = connection.prepareStatement(UNLOCKED)) {
                statement.setArray(1, connection.createArrayOf("uuid", endpoints.toArray()));
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        free.add(row.getObject(1, UUID.class));
                    }
                }
            }
            return free;
        });
    }

    /** Whether somebody else had locked a row for longer than one was ready to wait. */
    public static boolean isLocked(SQLException e) {
        return "55P03".equals(e.getSQLState());
    }

    private static List<SettledDelivery> record(Connection connection, List<AttemptOutcome> made, Duration patience)
            throws SQLException {
        int count = made.size();
        UUID[] ids = new UUID[count];
        UUID[] dispatchers = new UUID[count];
        Long[] leases = new Long[count];
        @Nullable Integer[] statusCodes = new @Nullable Integer[count];
        @Nullable String[] classes = new @Nullable String[count];
        @Nullable String[] errors = new @Nullable String[count];
        Integer[] durations = new Integer[count];
        @Nullable String[] excerpts = new @Nullable String[count];
        @Nullable Integer[] retryAfters = new @Nullable Integer[count];
        for (int i = 0; i < count; i++) {
            AttemptOutcome outcome = made.get(i);
            ids[i] = outcome.delivery().id();
            dispatchers[i] = outcome.delivery().lease().dispatcher();
            leases[i] = outcome.delivery().lease().number();
            switch (outcome) {
                case AttemptOutcome.Answered answered -> {
                    statusCodes[i] = answered.statusCode();
                    durations[i] = answered.durationMillis();
                    excerpts[i] = answered.excerpt().isEmpty() ? null : answered.excerpt();
                    retryAfters[i] = answered.retryAfterSeconds();
                    classes[i] = answered.errorClass();
                    errors[i] = answered.error();
                }
                case AttemptOutcome.Unanswered unanswered -> {
                    classes[i] = unanswered.errorClass();
                    errors[i] = unanswered.error();
                    durations[i] = unanswered.durationMillis();
                }
                case AttemptOutcome.Unsent unsent -> throw new IllegalArgumentException(unsent.reason());
            }
        }
        Map<UUID, Settled> notDelivered = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(RECORD)) {
            statement.setArray(1, connection.createArrayOf("uuid", ids));
            statement.setArray(2, connection.createArrayOf("uuid", dispatchers));
            statement.setArray(3, connection.createArrayOf("int8", leases));
            statement.setArray(4, connection.createArrayOf("int4", statusCodes));
            statement.setArray(5, connection.createArrayOf("text", classes));
            statement.setArray(6, connection.createArrayOf("text", errors));
            statement.setArray(7, connection.createArrayOf("int4", durations));
            statement.setArray(8, connection.createArrayOf("text", excerpts));
            statement.setArray(9, connection.createArrayOf("int4", retryAfters));
            statement.setString(10, Long.toString(patience.toMillis()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    OffsetDateTime next = row.getObject(4, OffsetDateTime.class);
                    notDelivered.put(
                            row.getObject(1, UUID.class),
                            new Settled(row.getString(2), row.getBoolean(3), next == null ? null : next.toInstant()));
                }
            }
        }
        List<SettledDelivery> settled = new ArrayList<>(count);
        for (AttemptOutcome outcome : made) {
            Settled other = notDelivered.get(outcome.delivery().id());
            settled.add(
                    other == null
                            ? new SettledDelivery(outcome, "delivered", false, null)
                            : new SettledDelivery(outcome, other.status(), other.superseded(), other.nextAttemptAt()));
        }
        return settled;
    }

    private record Settled(
            String status, boolean superseded, @Nullable Instant nextAttemptAt) {}

    private static void release(Connection connection, List<AttemptOutcome.Unsent> unsent) throws SQLException {
        int count = unsent.size();
        UUID[] ids = new UUID[count];
        String[] tokens = new String[count];
        @Nullable String[] classes = new @Nullable String[count];
        @Nullable String[] errors = new @Nullable String[count];
        Integer[] durations = new Integer[count];
        for (int i = 0; i < count; i++) {
            AttemptOutcome.Unsent outcome = unsent.get(i);
            ids[i] = outcome.delivery().id();
            tokens[i] = outcome.delivery().lease().token();
            Fault fault = outcome.fault();
            classes[i] = fault == null ? null : fault.errorClass();
            errors[i] = fault == null ? null : outcome.reason();
            durations[i] = outcome.durationMillis();
        }
        try (PreparedStatement statement = connection.prepareStatement(RELEASE)) {
            statement.setArray(1, connection.createArrayOf("uuid", ids));
            statement.setArray(2, connection.createArrayOf("text", tokens));
            statement.setArray(3, connection.createArrayOf("text", classes));
            statement.setArray(4, connection.createArrayOf("text", errors));
            statement.setArray(5, connection.createArrayOf("int4", durations));
            statement.execute();
        }
    }
}
