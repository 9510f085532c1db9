package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Stage;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/** Years of use in a minute: rows as deliveries leave them, written by the owner, who may what no role of Posthorn may. */
final class History {
    private static final int BATCH = 100_000;

    /** Spread over the last two days, so that the partition into which the engine writes holds its part of them. */
    private static final String DAYS = """
            SELECT posthorn.ensure_day(posthorn.clock_now() - days * interval '1 day') FROM generate_series(0, 2) AS days
            """;

    private static final String ENDED = """
            WITH endpoint AS MATERIALIZED (
                SELECT array_agg(id) AS ids, min(community_id::text)::uuid AS community_id
                FROM posthorn.webhook_endpoints
                WHERE community_id = posthorn.find_community(?)
            ),
            source AS MATERIALIZED (
                SELECT posthorn.generate_uuid_v7(at) AS event_id, at, community_id, ids[1 + n % cardinality(ids)] AS endpoint_id
                FROM endpoint
                CROSS JOIN generate_series(?, ?) AS n
                CROSS JOIN LATERAL (SELECT posthorn.clock_now() - n * (interval '2 days' / ?) AS at) AS moment
            ),
            events AS (
                INSERT INTO posthorn.webhook_events
                    (id, community_id, event_type, payload, payload_bytes, deliveries, skipped, created_at)
                SELECT event_id, community_id, 'bench.1', '{"history":true}', 16, 1, 0, at FROM source
            )
            INSERT INTO posthorn.webhook_deliveries
                (id, stage, status, event_id, community_id, endpoint_id, position, dispatcher_id, created_at, ended_at, attempt_count,
                 max_attempts, payload_bytes, last_status_code, last_duration_ms, event_type)
            SELECT posthorn.delivery_id(event_id, 1), 'ended', 'delivered', event_id, community_id, endpoint_id, 0, gen_random_uuid(), at, at,
                   1, 6, 16, 200, 12, 'bench.1'
            FROM source
            """;

    private static final String WAITING = """
            WITH endpoint AS MATERIALIZED (
                SELECT array_agg(id) AS ids, min(community_id::text)::uuid AS community_id
                FROM posthorn.webhook_endpoints
                WHERE community_id = posthorn.find_community(?)
            ),
            source AS MATERIALIZED (
                SELECT posthorn.generate_uuid_v7(posthorn.clock_now()) AS event_id, n, community_id,
                       ids[1 + n % cardinality(ids)] AS endpoint_id
                FROM endpoint
                CROSS JOIN generate_series(?, ?) AS n
            ),
            events AS (
                INSERT INTO posthorn.webhook_events
                    (id, community_id, event_type, payload, payload_bytes, deliveries, skipped, created_at)
                SELECT event_id, community_id, 'bench.1', '{"history":true}', 16, 1, 0, posthorn.clock_now() FROM source
            )
            INSERT INTO posthorn.webhook_deliveries
                (id, stage, status, event_id, community_id, endpoint_id, position, created_at, next_attempt_at, attempt_count, max_attempts,
                 payload_bytes, last_status_code, last_duration_ms, event_type, last_error)
            SELECT posthorn.delivery_id(event_id, 1), 'waiting', 'retrying', event_id, community_id, endpoint_id, 0, posthorn.clock_now(),
                   posthorn.clock_now() + interval '2 hours' + n * (interval '20 hours' / ?), 1, 6, 16, 503, 12, 'bench.1', 'answered 503'
            FROM source
            """;

    private History() {}

    /** So many deliveries that ended within the last two days, with their events. */
    static void ended(Stage stage, Stage.Tenant tenant, int deliveries) throws SQLException {
        stage.database().execute(DAYS);
        write(stage, ENDED, tenant, deliveries, "ended");
    }

    /** So many that failed and are due again in 2 to 22 hours, with their events. */
    static void waiting(Stage stage, Stage.Tenant tenant, int deliveries) throws SQLException {
        write(stage, WAITING, tenant, deliveries, "waiting");
    }

    private static void write(Stage stage, String sql, Stage.Tenant tenant, int deliveries, String what)
            throws SQLException {
        try (Connection connection = stage.database().connect();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int done = 0; done < deliveries; done += BATCH) {
                statement.setString(1, tenant.reference());
                statement.setInt(2, done + 1);
                statement.setInt(3, Math.min(done + BATCH, deliveries));
                statement.setInt(4, deliveries);
                statement.executeUpdate();
                if (done % (5 * BATCH) == 0) {
                    System.out.println("  writing " + what + " deliveries: " + done + " of " + deliveries);
                }
            }
        }
        // What autovacuum would have done in the time this stands for.
        stage.database().execute("VACUUM (ANALYZE) posthorn.webhook_deliveries");
        stage.database().execute("VACUUM (ANALYZE) posthorn.webhook_events");
    }
}
