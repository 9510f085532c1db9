package dev.posthorn.integrations.run;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.integrations.connector.ConnectorException;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Runs in the database: each method one statement, each in a transaction of its own. Thread-safe. */
public final class RunStore {
    /** SQLSTATE: the lease is no longer the run's. */
    public static final String LOST = "PH007";
    /** SQLSTATE: more records are gone than may go at once. */
    static final String MASS_DELETION = "PH010";

    private static final String CLAIM = """
            SELECT r.run_id, r.lease, r.integration_id, r.community_id, r.connector, r.config, r.vault_secret_id, r.cursor,
                   r.attempt, r.taken_over
            FROM posthorn.claim_sync_runs(?) AS r
            """;
    private static final String BEAT = "SELECT b.lease, b.cancelled FROM posthorn.beat_sync_runs(?) AS b";
    private static final String SAVE = "SELECT posthorn.save_sync_batch(?, ?, ?, ?, ?, ?, ?, ?, ?)";
    private static final String DELETE = "SELECT posthorn.delete_unseen_records(?, ?, ?)";
    private static final String LOG_LINES = "SELECT posthorn.log_sync_lines(?, ?, ?)";
    private static final String END = "SELECT posthorn.end_sync_run(?, ?, ?, ?, ?, ?, ?, ?, ?)";
    private static final String RECEIVE = "SELECT posthorn.receive_push(?, ?, ?, ?, ?, ?, ?)";
    private static final String NOW = "SELECT posthorn.clock_now()";

    private final ServiceSession session;

    /** Works over the given session. */
    public RunStore(ServiceSession session) {
        this.session = session;
    }

    /** What is due, each run with a lease of its own. */
    public List<ClaimedRun> claim(int max) throws SQLException {
        return session.durably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(CLAIM)) {
                statement.setInt(1, max);
                List<ClaimedRun> claimed = new ArrayList<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        claimed.add(new ClaimedRun(
                                row.getObject(1, UUID.class),
                                row.getObject(2, UUID.class),
                                row.getObject(3, UUID.class),
                                row.getObject(4, UUID.class),
                                row.getString(5),
                                row.getString(6),
                                row.getObject(7, UUID.class),
                                row.getString(8),
                                row.getInt(9),
                                row.getBoolean(10)));
                    }
                }
                return claimed;
            }
        });
    }

    /** Says that these are alive; of those that are still ours, whether somebody wants them cancelled. */
    Map<UUID, Boolean> beat(Collection<UUID> leases) throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(BEAT)) {
                statement.setArray(1, connection.createArrayOf("uuid", leases.toArray()));
                Map<UUID, Boolean> ours = new HashMap<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        ours.put(row.getObject(1, UUID.class), row.getBoolean(2));
                    }
                }
                return ours;
            }
        });
    }

    /** Saves a batch and the cursor after it; returns how many records were too large to be kept. */
    int save(ClaimedRun run, boolean snapshot, CheckedBatch batch) throws SQLException {
        return session.durably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(SAVE)) {
                statement.setObject(1, run.runId());
                statement.setObject(2, run.lease());
                statement.setBoolean(3, snapshot);
                statement.setArray(4, texts(connection, batch.types()));
                statement.setArray(5, texts(connection, batch.externalIds()));
                statement.setArray(6, texts(connection, batch.datas()));
                statement.setInt(7, batch.rejections().size());
                statement.setString(8, batch.cursor());
                statement.setArray(9, numbers(connection, batch.versions()));
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return row.getInt(1);
                }
            }
        });
    }

    /** Marks a batch of unseen records as deleted; returns the last of it, empty when done. */
    Optional<UUID> deleteUnseen(ClaimedRun run, @Nullable UUID after) throws SQLException {
        return session.durably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(DELETE)) {
                statement.setObject(1, run.runId());
                statement.setObject(2, run.lease());
                statement.setObject(3, after, Types.OTHER);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return Optional.ofNullable(row.getObject(1, UUID.class));
                }
            }
        });
    }

    /** Writes lines into a run's log. */
    void log(UUID run, List<String> levels, List<String> lines) throws SQLException {
        session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(LOG_LINES)) {
                statement.setObject(1, run);
                statement.setArray(2, texts(connection, levels));
                statement.setArray(3, texts(connection, lines));
                return statement.execute();
            }
        });
    }

    /** All was read. */
    void completed(ClaimedRun run, @Nullable Instant staleAt) throws SQLException {
        end(run, "completed", null, staleAt);
    }

    /** It did not work; the database says whether it is tried again. Returns the run's status. */
    String failed(ClaimedRun run, ConnectorException failure) throws SQLException {
        return end(run, "failed", failure, null);
    }

    /** Somebody wanted it so. */
    void cancelled(ClaimedRun run) throws SQLException {
        end(run, "cancelled", null, null);
    }

    /** This node stops; another goes on. */
    void returned(ClaimedRun run) throws SQLException {
        end(run, "returned", null, null);
    }

    private String end(ClaimedRun run, String outcome, @Nullable ConnectorException failure, @Nullable Instant staleAt)
            throws SQLException {
        return session.durably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(END)) {
                statement.setObject(1, run.runId());
                statement.setObject(2, run.lease());
                statement.setString(3, outcome);
                if (failure == null) {
                    statement.setNull(4, Types.VARCHAR);
                    statement.setNull(5, Types.VARCHAR);
                    statement.setNull(6, Types.BOOLEAN);
                    statement.setNull(7, Types.VARCHAR);
                    statement.setNull(8, Types.INTEGER);
                } else {
                    statement.setString(4, failure.failure().code());
                    statement.setString(5, failure.failure().origin().name().toLowerCase(Locale.ROOT));
                    statement.setBoolean(6, failure.failure().personMustAct());
                    statement.setString(7, failure.sentence());
                    statement.setObject(
                            8,
                            failure.retryAfter()
                                    .map(Duration::toSeconds)
                                    .map(Math::toIntExact)
                                    .orElse(null),
                            Types.INTEGER);
                }
                statement.setObject(
                        9, staleAt == null ? null : staleAt.atOffset(ZoneOffset.UTC), Types.TIMESTAMP_WITH_TIMEZONE);
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return row.getString(1);
                }
            }
        });
    }

    /** Saves what a verified request brought; false if that delivery was saved before. */
    boolean receive(UUID integration, String deliveryId, CheckedBatch batch) throws SQLException {
        return session.durably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(RECEIVE)) {
                statement.setObject(1, integration);
                statement.setString(2, deliveryId);
                statement.setArray(3, texts(connection, batch.types()));
                statement.setArray(4, texts(connection, batch.externalIds()));
                statement.setArray(5, texts(connection, batch.datas()));
                statement.setInt(6, batch.rejections().size());
                statement.setArray(7, numbers(connection, batch.versions()));
                try (ResultSet row = statement.executeQuery()) {
                    row.next();
                    return row.getBoolean(1);
                }
            }
        });
    }

    /** The database's time, by which schedules and tolerances go. */
    Instant now() throws SQLException {
        return session.repeatably(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(NOW);
                    ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getObject(1, java.time.OffsetDateTime.class).toInstant();
            }
        });
    }

    private static java.sql.Array texts(Connection connection, List<? extends @Nullable String> values)
            throws SQLException {
        return connection.createArrayOf("text", values.toArray());
    }

    private static java.sql.Array numbers(Connection connection, List<? extends @Nullable BigDecimal> values)
            throws SQLException {
        return connection.createArrayOf("numeric", values.toArray());
    }
}
