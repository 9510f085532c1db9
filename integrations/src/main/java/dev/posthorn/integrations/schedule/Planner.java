package dev.posthorn.integrations.schedule;

import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.integrations.Connectors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;

/** Queues the runs that are due. Any number of nodes may do it at the same time. Thread-safe. */
public final class Planner {
    private static final Logger LOG = LoggerFactory.getLogger(Planner.class);
    private static final int BATCH = 100;
    private static final String DUE = """
            SELECT d.integration_id, d.interval_seconds, d.cron, d.time_zone, d.changed, d.now_at, d.connector, d.config
            FROM posthorn.due_integrations(?) AS d
            """;
    private static final String PLAN = "SELECT posthorn.plan_integrations(?, ?)";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final ServiceSession session;
    private final Connectors connectors;

    private record Planned(UUID integration, @Nullable OffsetDateTime next) {}

    /** Plans over the given session; what needs credentials and has none waits until they are stored. */
    public Planner(ServiceSession session, Connectors connectors) {
        this.session = session;
        this.connectors = connectors;
    }

    /** Queues what is due and says when the next runs are; returns how many were looked at. */
    public int plan() throws SQLException {
        int planned;
        int all = 0;
        do {
            planned = session.durably(this::planBatch);
            all += planned;
        } while (planned == BATCH);
        return all;
    }

    private int planBatch(Connection connection) throws SQLException {
        List<Planned> planned = new ArrayList<>();
        try (PreparedStatement due = connection.prepareStatement(DUE)) {
            due.setInt(1, BATCH);
            try (ResultSet row = due.executeQuery()) {
                while (row.next()) {
                    planned.add(new Planned(
                            row.getObject(1, UUID.class),
                            next(row).map(at -> at.atOffset(ZoneOffset.UTC)).orElse(null)));
                }
            }
        }
        if (!planned.isEmpty()) {
            try (PreparedStatement plan = connection.prepareStatement(PLAN)) {
                plan.setArray(
                        1,
                        connection.createArrayOf(
                                "uuid",
                                planned.stream().map(Planned::integration).toArray()));
                plan.setArray(
                        2,
                        connection.createArrayOf(
                                "timestamptz",
                                planned.stream().map(Planned::next).toArray()));
                plan.execute();
            }
        }
        return planned.size();
    }

    private Optional<Instant> next(ResultSet row) throws SQLException {
        String withoutCredentials = row.getString(8);
        if (withoutCredentials != null
                && connectors.needsCredentials(row.getString(7), JSON.readTree(withoutCredentials))) {
            // Whoever stores them has it worked out anew.
            return Optional.empty();
        }
        Instant now = row.getObject(6, OffsetDateTime.class).toInstant();
        int interval = row.getInt(2);
        boolean hasInterval = !row.wasNull();
        try {
            Schedule schedule = Schedule.of(hasInterval ? interval : null, row.getString(3), row.getString(4));
            return row.getBoolean(5) ? schedule.first(now) : schedule.next(now);
        } catch (IllegalArgumentException e) {
            // REST and Java refuse it; somebody wrote it by SQL.
            LOG.warn("integration {} is not read by its schedule: {}", row.getObject(1), e.getMessage());
            return Optional.empty();
        }
    }
}
