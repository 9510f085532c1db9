package dev.posthorn.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What accepting, looking, claiming and recording really read, however much waits: the plans as the server executed them, with statistics of
 * an empty table and with true ones.
 */
class PlansTest {
    private static final int LANES = 50;
    private static final int BATCH = 100;
    /** Retries that wait besides; so many that reading all of them would be seen. */
    private static final int MOST_RETRIES = 10_000;

    private static final Pattern REJECTED = Pattern.compile("Rows Removed by Join Filter: (\\d+)");
    private static final Pattern BUFFERS = Pattern.compile("Buffers: shared hit=(\\d+)(?: read=(\\d+))?");

    static Stream<PostgresServer> servers() {
        return Stream.concat(Stream.of(PostgresServer.embedded()), PostgresServer.fifteen().stream());
    }

    @ParameterizedTest
    @MethodSource("servers")
    void nothing_waits(PostgresServer server) throws SQLException {
        check(server, 0);
    }

    @ParameterizedTest
    @MethodSource("servers")
    void ten_thousand_wait(PostgresServer server) throws SQLException {
        check(server, 10_000);
    }

    @Tag("full")
    @ParameterizedTest
    @MethodSource("servers")
    void a_million_wait(PostgresServer server) throws SQLException {
        check(server, 1_000_000);
    }

    /** What ended while a snapshot is held stays in the lane's index. */
    @ParameterizedTest
    @MethodSource("servers")
    void an_ordered_lane_is_read_from_a_strict_mark_on(PostgresServer server) throws SQLException {
        try (TestDatabase database = server.createDatabase()) {
            new Migrator(database.dataSource()).migrate();
            database.administrate("""
                    INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');
                    INSERT INTO posthorn.webhook_endpoints (community_id, url, event_types, ordering)
                    SELECT id, 'https://example.com/', ARRAY['t'], 'endpoint' FROM posthorn.communities;
                    UPDATE posthorn.webhook_endpoint_health SET secret_version = 1;
                    SELECT posthorn.queue_webhook('ext:acme', 't', '{}') FROM generate_series(1, 10000);
                    SELECT posthorn.register_dispatcher('018f0000-0000-7000-8000-000000000001', 'test', '');
                    UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 hour';
                    """);
            try (Connection holder = database.superuser();
                    Statement held = holder.createStatement();
                    Connection connection = database.superuser();
                    Statement statement = connection.createStatement()) {
                held.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM posthorn.webhook_deliveries LIMIT 1");
                statement.execute("""
                        UPDATE posthorn.webhook_deliveries SET stage = 'ended', status = 'delivered', next_attempt_at = NULL, ended_at = now()
                        WHERE stage = 'ready' AND position < (SELECT max(position) - 1 FROM posthorn.webhook_deliveries_ready)
                        """);
                String mark = database.one("SELECT min(position) - 1 FROM posthorn.webhook_deliveries_ready");
                String epoch = database.one("SELECT epoch FROM posthorn.observe_webhook_lanes('{}', '{}', '{}')");
                explain(statement);
                assertThat(blocksOfClaim(statement, mark, false, epoch))
                        .as("what is to be spared")
                        .isGreaterThan(300);
                assertThat(blocksOfClaim(statement, mark, true, epoch)).isLessThan(50);
                statement.execute("UPDATE posthorn.queue_epoch SET id = gen_random_uuid()");
                assertThat(blocksOfClaim(statement, mark, true, epoch))
                        .as("after a crash")
                        .isGreaterThan(300);
            }
        }
    }

    private static long blocksOfClaim(Statement statement, String mark, boolean strict, String epoch)
            throws SQLException {
        statement.clearWarnings();
        assertThat(claim(statement, 10, mark, strict, epoch)).hasSize(1);
        long blocks = blocks(plan(statement, "WITH open_lanes AS MATERIALIZED"));
        statement.execute(
                "UPDATE posthorn.webhook_deliveries SET status = 'pending', dispatcher_id = NULL, lease_no = NULL"
                        + " WHERE stage = 'ready' AND status = 'sending'");
        return blocks;
    }

    private static void check(PostgresServer server, int waiting) throws SQLException {
        try (TestDatabase database = server.createDatabase()) {
            new Migrator(database.dataSource()).migrate();
            database.administrate("""
                    INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');
                    INSERT INTO posthorn.webhook_endpoints (community_id, url, event_types)
                    SELECT id, 'https://example.com/', ARRAY['t.' || n] FROM posthorn.communities, generate_series(1, %1$d) AS n;
                    UPDATE posthorn.webhook_endpoint_health SET secret_version = 1;
                    ALTER TABLE posthorn.webhook_deliveries_ready SET (autovacuum_enabled = false);
                    """.formatted(LANES));
            try (Connection connection = database.superuser();
                    Statement statement = connection.createStatement()) {
                statement.execute(
                        "SELECT posthorn.register_dispatcher('018f0000-0000-7000-8000-000000000001', 'test', '');"
                                + " UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 hour'");
                // Six times on the empty table, so that the plan is kept, and was made for the statistics of then.
                for (int i = 0; i < 6; i++) {
                    accept(statement);
                    look(statement);
                    record(statement, claim(statement, BATCH));
                }
                statement.execute("""
                        INSERT INTO posthorn.webhook_deliveries
                            (id, stage, status, event_id, community_id, endpoint_id, position, created_at, next_attempt_at, max_attempts,
                             payload_bytes, event_type)
                        SELECT posthorn.generate_uuid_v7(), 'ready', 'pending', posthorn.generate_uuid_v7(), e.community_id, e.id,
                               nextval('posthorn.webhook_delivery_position'), now(), now(), 6, 10, 't'
                        FROM generate_series(1, %1$d / %2$d), posthorn.webhook_endpoints AS e
                        """.formatted(waiting, LANES));
                statement.execute("""
                        INSERT INTO posthorn.webhook_deliveries
                            (id, stage, status, event_id, community_id, endpoint_id, position, created_at, next_attempt_at, attempt_count,
                             max_attempts, payload_bytes, event_type)
                        SELECT posthorn.generate_uuid_v7(), 'waiting', 'retrying', posthorn.generate_uuid_v7(), e.community_id, e.id,
                               0, now(), now() + interval '2 hours' + n * interval '1 second', 1, 6, 10, 't'
                        FROM generate_series(1, %1$d / %2$d) AS n, posthorn.webhook_endpoints AS e
                        """.formatted(Math.min(waiting, MOST_RETRIES), LANES));
                explain(statement);
                round(statement, waiting, "with the statistics of an empty table");
                statement.execute("ANALYZE posthorn.webhook_deliveries");
                round(statement, waiting, "with true statistics");
            }
        }
    }

    private static void round(Statement statement, int waiting, String when) throws SQLException {
        statement.execute("UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 hour'");
        statement.clearWarnings();
        accept(statement);
        String accepting = plan(statement, "INSERT INTO posthorn.webhook_deliveries");
        assertThat(blocks(accepting))
                .as("blocks read to find who takes %s events %s", BATCH, when)
                .isLessThan(BATCH * 10L);
        assertThat(comparedInVain(accepting))
                .as("pairs compared in vain to accept %s events %s", BATCH, when)
                .isLessThan(BATCH);
        look(statement);
        assertThat(blocks(plan(statement, "WITH due AS MATERIALIZED")))
                .as("blocks read to see that no retry is due %s", when)
                .isLessThan(25);
        // Where nothing else waits the claim is not full, and tells which lanes others hold.
        List<String> claimed = claim(statement, waiting == 0 ? 2 * BATCH : BATCH);
        assertThat(claimed).hasSize(BATCH);
        String claiming = plan(statement, "WITH open_lanes AS MATERIALIZED");
        assertThat(comparedInVain(claiming))
                .as("pairs compared in vain to claim %s of %s lanes %s", BATCH, LANES, when)
                .isLessThan(BATCH);
        assertThat(blocks(claiming))
                .as("blocks read to claim %s of %s lanes %s", BATCH, LANES, when)
                .isLessThan(BATCH * 25L);
        record(statement, claimed);
        assertThat(blocks(plan(statement, "WITH moved AS MATERIALIZED")))
                .as("blocks read to record %s results %s", BATCH, when)
                .isLessThan(BATCH * 20L);
    }

    private static void accept(Statement statement) throws SQLException {
        statement.execute("""
                SELECT count(*) FROM posthorn.queue_webhook_events(
                    array_fill((SELECT id FROM posthorn.communities), ARRAY[%1$d]),
                    ARRAY(SELECT 't.' || 1 + n %% %2$d FROM generate_series(1, %1$d) AS n),
                    array_fill('{}'::text, ARRAY[%1$d]))
                """.formatted(BATCH, LANES));
    }

    /** Nothing has come lately; whether a retry is due is asked of all of them. */
    private static void look(Statement statement) throws SQLException {
        statement.execute(
                "SELECT * FROM posthorn.discover_webhook_lanes('ffffffff-ffff-7fff-bfff-ffffffffffff', '-infinity')");
    }

    private static List<String> claim(Statement statement, int limit) throws SQLException {
        return claim(statement, limit, "0", true, "018f0000-0000-7000-8000-000000000002");
    }

    private static List<String> claim(Statement statement, int limit, String mark, boolean strict, String epoch)
            throws SQLException {
        List<String> ids = new ArrayList<>();
        try (var row = statement.executeQuery("""
                SELECT delivery_id FROM posthorn.claim_webhook_deliveries(
                    '018f0000-0000-7000-8000-000000000001', 1, %d, (SELECT array_agg(id ORDER BY id) FROM posthorn.webhook_endpoints),
                    (SELECT array_agg(%s::bigint) FROM posthorn.webhook_endpoints), (SELECT array_agg(%s) FROM posthorn.webhook_endpoints),
                    '%s', (SELECT array_agg(0) FROM posthorn.webhook_endpoints))
                WHERE delivery_id IS NOT NULL
                """.formatted(limit, mark, strict, epoch))) {
            while (row.next()) {
                ids.add(row.getString(1));
            }
        }
        return ids;
    }

    private static void record(Statement statement, List<String> ids) throws SQLException {
        String list = "'{" + String.join(",", ids) + "}'::uuid[]";
        String nothing = "array_fill(NULL::%s, ARRAY[" + ids.size() + "])";
        statement.execute("SELECT * FROM posthorn.record_claimed_results(" + list
                + ", array_fill('018f0000-0000-7000-8000-000000000001'::uuid, ARRAY[" + ids.size() + "])"
                + ", array_fill(1::bigint, ARRAY[" + ids.size() + "]), array_fill(200, ARRAY[" + ids.size() + "]), "
                + String.join(
                        ", ",
                        nothing.formatted("text"),
                        nothing.formatted("text"),
                        nothing.formatted("integer"),
                        nothing.formatted("text"),
                        nothing.formatted("integer"))
                + ")");
    }

    private static void explain(Statement statement) throws SQLException {
        statement.execute("""
                LOAD 'auto_explain';
                SET auto_explain.log_min_duration = 0;
                SET auto_explain.log_nested_statements = on;
                SET auto_explain.log_analyze = on;
                SET auto_explain.log_buffers = on;
                SET auto_explain.log_timing = off;
                SET auto_explain.log_level = notice;
                SET client_min_messages = notice;
                """);
    }

    /** The plan of the last statement that has this text in it, as it was executed. */
    private static String plan(Statement statement, String text) throws SQLException {
        String plan = "";
        for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
            String message = String.valueOf(warning.getMessage());
            if (message.contains("plan:") && message.contains(text)) {
                plan = message.substring(message.indexOf(text));
            }
        }
        statement.clearWarnings();
        assertThat(plan).as("a plan of %s was seen", text).isNotEmpty();
        return plan;
    }

    private static long comparedInVain(String plan) {
        return REJECTED.matcher(plan)
                .results()
                .mapToLong(found -> Long.parseLong(found.group(1)))
                .sum();
    }

    /** How many blocks were read. */
    private static long blocks(String plan) {
        Matcher matcher = BUFFERS.matcher(plan);
        assertThat(matcher.find()).as(plan).isTrue();
        return Long.parseLong(matcher.group(1)) + (matcher.group(2) == null ? 0 : Long.parseLong(matcher.group(2)));
    }
}
