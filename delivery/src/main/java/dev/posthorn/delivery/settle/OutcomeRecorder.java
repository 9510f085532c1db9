package dev.posthorn.delivery.settle;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.session.ServiceSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Records outcomes, a batch in one transaction. Thread-safe. */
public final class OutcomeRecorder {
    private static final String RECORD = """
            SELECT r.delivery_id, r.status::text, r.superseded, r.next_attempt_at
            FROM posthorn.record_webhook_results(?, ?, ?, ?, ?, ?, ?, ?) AS r
            """;
    private static final String RELEASE = "SELECT posthorn.release_webhook_leases(?, ?)";

    private final ServiceSession session;

    /** Records over the given session. */
    public OutcomeRecorder(ServiceSession session) {
        this.session = session;
    }

    /**
     * Records outcomes in the order in which the attempts ended; what was not sent goes back into the queue.
     *
     * @return one per attempt that was made; unsent ones are not among them
     * @throws SQLException if the database cannot be reached; nothing is recorded then, and the same batch may be given again
     */
    public List<SettledDelivery> record(List<AttemptOutcome> outcomes) throws SQLException {
        List<AttemptOutcome> made = new ArrayList<>(outcomes.size());
        List<ClaimedDelivery> unsent = new ArrayList<>();
        for (AttemptOutcome outcome : outcomes) {
            switch (outcome) {
                case AttemptOutcome.Answered answered -> made.add(answered);
                case AttemptOutcome.Unanswered unanswered -> made.add(unanswered);
                case AttemptOutcome.Unsent notSent -> unsent.add(notSent.delivery());
            }
        }
        return session.repeatably(connection -> {
            if (!unsent.isEmpty()) {
                release(connection, unsent);
            }
            return made.isEmpty() ? List.of() : record(connection, made);
        });
    }

    private static List<SettledDelivery> record(Connection connection, List<AttemptOutcome> made) throws SQLException {
        int count = made.size();
        UUID[] ids = new UUID[count];
        String[] tokens = new String[count];
        @Nullable Integer[] statusCodes = new @Nullable Integer[count];
        @Nullable String[] classes = new @Nullable String[count];
        @Nullable String[] errors = new @Nullable String[count];
        Integer[] durations = new Integer[count];
        @Nullable String[] excerpts = new @Nullable String[count];
        @Nullable Integer[] retryAfters = new @Nullable Integer[count];
        Map<UUID, AttemptOutcome> byId = new HashMap<>();
        for (int i = 0; i < count; i++) {
            AttemptOutcome outcome = made.get(i);
            ids[i] = outcome.delivery().id();
            tokens[i] = outcome.delivery().lease().token();
            byId.put(ids[i], outcome);
            switch (outcome) {
                case AttemptOutcome.Answered answered -> {
                    statusCodes[i] = answered.statusCode();
                    durations[i] = answered.durationMillis();
                    excerpts[i] = answered.excerpt().isEmpty() ? null : answered.excerpt();
                    retryAfters[i] = answered.retryAfterSeconds();
                    errors[i] = answered.delivered() ? null : "the receiver answered " + answered.statusCode();
                }
                case AttemptOutcome.Unanswered unanswered -> {
                    classes[i] = unanswered.errorClass();
                    errors[i] = unanswered.error();
                    durations[i] = unanswered.durationMillis();
                }
                case AttemptOutcome.Unsent unsent -> throw new IllegalArgumentException(unsent.reason());
            }
        }
        try (PreparedStatement statement = connection.prepareStatement(RECORD)) {
            statement.setArray(1, connection.createArrayOf("uuid", ids));
            statement.setArray(2, connection.createArrayOf("text", tokens));
            statement.setArray(3, connection.createArrayOf("int4", statusCodes));
            statement.setArray(4, connection.createArrayOf("text", classes));
            statement.setArray(5, connection.createArrayOf("text", errors));
            statement.setArray(6, connection.createArrayOf("int4", durations));
            statement.setArray(7, connection.createArrayOf("text", excerpts));
            statement.setArray(8, connection.createArrayOf("int4", retryAfters));
            List<SettledDelivery> settled = new ArrayList<>(count);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    AttemptOutcome outcome = byId.get(row.getObject(1, UUID.class));
                    OffsetDateTime next = row.getObject(4, OffsetDateTime.class);
                    if (outcome != null) {
                        settled.add(new SettledDelivery(
                                outcome, row.getString(2), row.getBoolean(3), next == null ? null : next.toInstant()));
                    }
                }
            }
            return settled;
        }
    }

    private static void release(Connection connection, List<ClaimedDelivery> unsent) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(RELEASE)) {
            statement.setArray(
                    1,
                    connection.createArrayOf(
                            "uuid", unsent.stream().map(ClaimedDelivery::id).toArray()));
            statement.setArray(
                    2,
                    connection.createArrayOf(
                            "text",
                            unsent.stream()
                                    .map(delivery -> delivery.lease().token())
                                    .toArray()));
            statement.execute();
        }
    }
}
