package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** queue_webhook and what surrounds it, on every server that is here. */
class QueueingTest {
    static Stream<PostgresServer> servers() {
        return Stream.concat(Stream.of(PostgresServer.embedded()), PostgresServer.fifteen().stream());
    }

    private static TestDatabase prepared(PostgresServer server) {
        TestDatabase database = server.createDatabase(source -> new Migrator(source).migrate());
        database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme')");
        return database;
    }

    private static String endpoint(TestDatabase database, String columns, String values) {
        return database.one("INSERT INTO posthorn.webhook_endpoints (community_id, url" + columns
                + ") SELECT id, 'https://example.com/'" + values + " FROM posthorn.communities RETURNING id");
    }

    private static List<String> queue(TestDatabase database, String type, String payload, String key) {
        return database
                .query(
                        "SET ROLE posthorn_service; SELECT deliveries, skipped, duplicate FROM posthorn.queue_webhook('ext:acme', '"
                                + type + "', '" + payload + "', " + key + ")")
                .get(0)
                .stream()
                .map(String::valueOf)
                .toList();
    }

    @ParameterizedTest
    @MethodSource("servers")
    void an_event_goes_to_the_endpoints_whose_types_and_filter_take_it(PostgresServer server) {
        try (TestDatabase database = prepared(server)) {
            endpoint(database, ", event_types", ", '{payment.received}'");
            endpoint(database, ", event_types", ", '{payment.*}'");
            endpoint(database, ", event_types", ", '{*}'");
            endpoint(database, ", event_types, filter", ", '{payment.*}', '$.amount ? (@ > 100)'");
            endpoint(database, ", event_types, filter", ", '{payment.*}', '$.amount > 100'");
            assertThat(queue(database, "payment.received", "{\"amount\": 101}", "NULL"))
                    .containsExactly("5", "0", "f");
            assertThat(queue(database, "payment.received", "{\"amount\": 99}", "NULL"))
                    .containsExactly("3", "0", "f");
            assertThat(queue(database, "payment.refund.done", "{}", "NULL")).containsExactly("2", "0", "f");
            assertThat(queue(database, "payments", "{}", "NULL")).containsExactly("1", "0", "f");
            assertThat(queue(database, "payment", "{}", "NULL")).containsExactly("1", "0", "f");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_filter_that_fails_takes_nothing_and_is_counted(PostgresServer server) {
        try (TestDatabase database = prepared(server)) {
            String failing = endpoint(database, ", filter", ", 'strict $.amount.value'");
            // A comparison that cannot be made is unknown, which is no failure.
            String unknown = endpoint(database, ", filter", ", 'strict $.amount.value > 1'");
            assertThat(queue(database, "payment.received", "{\"amount\": 1}", "NULL"))
                    .containsExactly("0", "0", "f");
            database.query("SELECT posthorn.maintain()");
            assertThat(filterErrors(database, failing)).isEqualTo("1");
            assertThat(filterErrors(database, unknown)).isEqualTo("0");
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void the_same_key_returns_the_first_event_until_it_expires(PostgresServer server) {
        try (TestDatabase database = prepared(server)) {
            endpoint(database, "", "");
            assertThat(queue(database, "payment.received", "{\"a\": 1, \"b\": 2}", "'k'"))
                    .containsExactly("1", "0", "f");
            assertThat(queue(database, "payment.received", "{\"b\": 2, \"a\": 1}", "'k'"))
                    .containsExactly("1", "0", "t");
            assertThat(state(database, "payment.received", "{\"a\": 2}", "'k'")).isEqualTo("PH004");
            assertThat(state(database, "payment.sent", "{\"a\": 1, \"b\": 2}", "'k'"))
                    .isEqualTo("PH004");
            assertThat(database.one("SELECT count(*) FROM posthorn.webhook_events"))
                    .isEqualTo("1");
            database.advanceClock(Duration.ofHours(25));
            assertThat(queue(database, "payment.received", "{\"a\": 2}", "'k'")).containsExactly("1", "0", "f");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_concurrent_caller_with_the_same_key_waits_for_the_first(PostgresServer server) throws Exception {
        try (TestDatabase database = prepared(server);
                var threads = Executors.newVirtualThreadPerTaskExecutor();
                Connection first = database.superuser();
                Statement statement = first.createStatement()) {
            first.setAutoCommit(false);
            statement.execute(
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', '{}', 'k')");
            var second = threads.submit(() -> queue(database, "payment.received", "{}", "'k'"));
            awaitBlocked(database);
            first.rollback();
            assertThat(second.get()).containsExactly("0", "0", "f");

            statement.execute(
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', '{}', 'l')");
            var third = threads.submit(() -> queue(database, "payment.received", "{}", "'l'"));
            awaitBlocked(database);
            first.commit();
            assertThat(third.get()).containsExactly("0", "0", "t");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_callers_mistake_has_its_own_sqlstate(PostgresServer server) {
        try (TestDatabase database = prepared(server)) {
            assertThat(state(database, "payment received", "{}", "NULL")).isEqualTo("PH002");
            assertThat(state(database, "posthorn.endpoint.disabled", "{}", "NULL"))
                    .isEqualTo("PH005");
            assertThat(state(database, "payment.received", "\"" + "x".repeat(1_048_576) + "\"", "NULL"))
                    .isEqualTo("PH003");
            assertThat(state(database, "payment.received", "{}", "''")).isEqualTo("PH009");
            assertThat(state(database, "payment.received", "{\"a\": ", "NULL")).isEqualTo("22P02");
            database.administrate("UPDATE posthorn.communities SET deleted_at = now()");
            assertThat(state(database, "payment.received", "{}", "NULL")).isEqualTo("PH001");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void endpoints_that_make_no_sense_are_refused(PostgresServer server) {
        try (TestDatabase database = prepared(server)) {
            for (String wrong : List.of(
                    "url = 'example.com'",
                    "url = 'ftp://example.com/'",
                    "url = 'https:///path'",
                    "url = 'https://example.com/ x'",
                    "event_types = '{}'",
                    "event_types = '{payment.*.x}'",
                    "event_types = '{pay*}'",
                    "filter = '$ ? (@.a like_regex \"^(a+)+$\")'",
                    "retry_schedule = '{-1 second}'",
                    "retry_schedule = '{}'")) {
                endpoint(database, "", "");
                assertThat(sqlState(database, "UPDATE posthorn.webhook_endpoints SET " + wrong))
                        .as(wrong)
                        .isEqualTo("PH008");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void queueing_works_after_sixty_days_without_a_node_and_old_days_go_once_nothing_needs_them(PostgresServer server) {
        try (TestDatabase database = prepared(server)) {
            endpoint(database, "", "");
            queue(database, "payment.received", "{\"kept\": true}", "NULL");
            queue(database, "payment.received", "{\"kept\": false}", "NULL");
            database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.record_webhook_result(w.delivery_id, w.token, 200)"
                            + " FROM posthorn.get_pending_webhooks(1) AS w");
            String days = database.one(
                    "SELECT count(*) FROM pg_inherits WHERE inhparent = 'posthorn.webhook_events'::regclass");
            database.advanceClock(Duration.ofDays(60));
            assertThat(queue(database, "payment.received", "{}", "NULL")).containsExactly("1", "0", "f");
            for (int i = 0; i < 10; i++) {
                database.query("SELECT posthorn.maintain()");
            }
            // The day of the unfinished one still stands, with its event alone; the empty days between are gone.
            assertThat(database.one("SELECT count(*) FROM posthorn.webhook_events"))
                    .isEqualTo("2");
            assertThat(database.one(
                            "SELECT count(*) FROM posthorn.retired_days WHERE outcome = 'trimmed' AND bytes > 0"))
                    .isEqualTo("1");
            assertThat(Integer.parseInt(
                            database.one("SELECT count(*) FROM posthorn.retired_days WHERE outcome = 'dropped'")))
                    .isPositive();
            assertThat(Integer.parseInt(database.one(
                            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'posthorn.webhook_events'::regclass")))
                    .isLessThanOrEqualTo(Integer.parseInt(days) + 2);
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
            assertThat(database.query(
                            "SET ROLE posthorn_service; SELECT posthorn.record_webhook_result(w.delivery_id, w.token, 200)"
                                    + " FROM posthorn.get_pending_webhooks(10) AS w"))
                    .hasSize(2);
            database.query("SELECT posthorn.maintain()");
            assertThat(database.one("SELECT count(*) FROM posthorn.webhook_events"))
                    .isEqualTo("1");
            assertThat(database.one("SELECT count(*) FROM posthorn.retired_days WHERE outcome = 'trimmed'"))
                    .isEqualTo("0");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void upkeep_beside_a_transaction_that_stays_open_delays_nobody(PostgresServer server) throws Exception {
        try (TestDatabase database = prepared(server);
                Connection open = database.superuser();
                Statement statement = open.createStatement()) {
            endpoint(database, "", "");
            queue(database, "payment.received", "{}", "NULL");
            database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.record_webhook_result(w.delivery_id, w.token, 200)"
                            + " FROM posthorn.get_pending_webhooks(1) AS w");
            database.advanceClock(Duration.ofDays(60));
            database.query("SELECT posthorn.maintain()");
            String left = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'posthorn.webhook_events'::regclass";
            String before = database.one(left);
            open.setAutoCommit(false);
            statement.execute(
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', '{}')");
            // Everybody would queue up behind a DROP that waits for the open transaction.
            assertThat(database.query("SET lock_timeout = '1s'; SELECT task FROM posthorn.maintain()"))
                    .endsWith(List.of("retire_days"));
            assertThat(database.query("SET lock_timeout = '1s'; SET ROLE posthorn_service;"
                            + " SELECT deliveries FROM posthorn.queue_webhook('ext:acme', 'payment.received', '{}')"))
                    .containsExactly(List.of("1"));
            assertThat(database.one(left)).isEqualTo(before);
            open.commit();
            for (int i = 0; i < 10; i++) {
                database.query("SELECT posthorn.maintain()");
            }
            assertThat(database.one("SELECT count(*) FROM posthorn.webhook_events"))
                    .isEqualTo("2");
        }
    }

    private static String filterErrors(TestDatabase database, String endpoint) {
        return database.one("SELECT filter_errors FROM posthorn.webhook_endpoint_status WHERE id = '" + endpoint + "'");
    }

    private static void awaitBlocked(TestDatabase database) {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (database.one(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
                .equals("0")) {
            assertThat(System.nanoTime()).as("nobody waits").isLessThan(end);
        }
    }

    private static String state(TestDatabase database, String type, String payload, String key) {
        return sqlState(
                database,
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', '" + type + "', '" + payload
                        + "', " + key + ")");
    }

    private static String sqlState(TestDatabase database, String sql) {
        try (Connection connection = database.superuser()) {
            TestDatabase.query(connection, sql);
        } catch (SQLException e) {
            return e.getSQLState();
        }
        throw new AssertionError("was not refused: " + sql);
    }
}
