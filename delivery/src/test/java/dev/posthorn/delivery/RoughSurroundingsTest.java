package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** The engine in an application, on a network and with a database as they can be. */
class RoughSurroundingsTest {
    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void an_applications_hostile_pool_is_used_and_left_as_it_was() throws Exception {
        HikariConfig config = new HikariConfig();
        PGSimpleDataSource hostile = (PGSimpleDataSource) world.database.dataSource();
        hostile.setOptions("-c search_path=nowhere");
        config.setDataSource(hostile);
        config.setMaximumPoolSize(2);
        config.setAutoCommit(false);
        config.setTransactionIsolation("TRANSACTION_SERIALIZABLE");
        String endpoint = world.endpoint("/hook");
        try (HikariDataSource pool = new HikariDataSource(config);
                DeliveryEngine engine = DeliveryEngine.builder(pool, world.masterKey)
                        .addresses(EngineFixture.LOOPBACK)
                        .build()) {
            engine.start();
            queueMany(100);
            world.receiver.await(100, Duration.ofSeconds(30));
            try (Connection connection = pool.getConnection()) {
                assertThat(connection.getAutoCommit()).isFalse();
                assertThat(connection.getTransactionIsolation()).isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
                assertThat(TestDatabase.query(
                                connection,
                                "SELECT current_user, current_setting('search_path'), current_setting('TimeZone')"))
                        .containsExactly(List.of(
                                "posthorn",
                                "nowhere",
                                java.util.TimeZone.getDefault().getID()));
                connection.rollback();
            }
        }
        assertThat(world.status(endpoint)).isEqualTo("delivered:100");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void connections_that_act_as_somebody_else_are_used_as_well() throws Exception {
        String endpoint = world.endpoint("/hook");
        world.database.administrate("""
                DO $$ BEGIN
                    CREATE ROLE actor LOGIN PASSWORD 'actor' IN ROLE posthorn_service, posthorn_producer;
                EXCEPTION WHEN duplicate_object THEN NULL; END $$
                """);
        PGSimpleDataSource acting = (PGSimpleDataSource) world.database.dataSource("actor");
        acting.setOptions("-c role=posthorn_producer");
        try (Connection connection = acting.getConnection();
                Statement statement = connection.createStatement()) {
            assertThatThrownBy(() -> statement.execute("SELECT posthorn.begin_node_statement()"))
                    .hasMessageContaining("permission denied");
        }
        try (DeliveryEngine engine = DeliveryEngine.builder(acting, world.masterKey)
                .addresses(EngineFixture.LOOPBACK)
                .build()) {
            engine.start();
            queueMany(100);
            world.receiver.await(100, Duration.ofSeconds(30));
            world.awaitStatus(endpoint, "delivered:100");
        }
    }

    @Test
    void what_a_node_asks_commits_without_waiting_and_only_at_its_own_isolation_level() throws Exception {
        try (Connection connection = world.database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = on");
            connection.setAutoCommit(false);
            statement.execute("SELECT 1 FROM generate_series(1, 0) WHERE (SELECT posthorn.begin_node_statement())");
            assertThat(TestDatabase.query(
                            connection, "SELECT current_setting('synchronous_commit'), current_setting('TimeZone')"))
                    .as("though no row came")
                    .containsExactly(List.of("off", "UTC"));
            connection.commit();
            assertThat(TestDatabase.query(connection, "SHOW synchronous_commit"))
                    .containsExactly(List.of("on"));
            connection.rollback();
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            assertThatThrownBy(() -> statement.execute("SELECT posthorn.begin_node_statement()"))
                    .isInstanceOfSatisfying(
                            SQLException.class,
                            refused -> assertThat(refused.getSQLState()).isEqualTo("25000"));
        }
    }

    @Test
    void two_nodes_share_the_work_and_send_nothing_twice() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 32");
        // Each has room for half of what the endpoint takes at once: a node that could take all of it might do so.
        try (DeliveryEngine one = world.engine().maxInFlight(16).build();
                DeliveryEngine two = world.engine().maxInFlight(16).build()) {
            one.start();
            two.start();
            queueMany(1000);
            assertThat(ids(world.receiver.await(1000, Duration.ofSeconds(60)))).hasSize(1000);
        }
        assertThat(world.receiver.received()).hasSize(1000);
        assertThat(world.status(endpoint)).isEqualTo("delivered:1000");
        assertThat(world.database.one("SELECT count(DISTINCT dispatcher_id) FROM posthorn.webhook_attempts"))
                .isEqualTo("2");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void connections_that_are_cut_under_load_lose_nothing() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            engine.start();
            for (int round = 1; round <= 5; round++) {
                queueMany(200);
                world.receiver.await(round * 200 - 150, Duration.ofSeconds(60));
                world.database.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND pid <> pg_backend_pid() AND usename = 'posthorn'");
            }
            world.awaitStatus(endpoint, "delivered:1000");
            Eventually.until("ready", engine::isReady);
        }
        assertThat(ids(world.receiver.received())).hasSize(1000);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void what_commits_while_a_claim_looks_is_claimed_whole() throws Exception {
        String endpoint = world.endpoint("/hook");
        world.database.administrate("""
                UPDATE posthorn.webhook_endpoint_health SET secret_version = 1;
                SELECT posthorn.register_dispatcher('018f0000-0000-7000-8000-000000000001', 'test', '');
                UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 hour';
                CREATE OR REPLACE FUNCTION posthorn.clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $clock$
                    SELECT clock_timestamp() FROM pg_sleep(coalesce(nullif(current_setting('test.clock_takes', true), ''), '0')::float8)
                $clock$;
                """);
        // Its clock takes half a second, once before and once after the claim's first snapshot: the commit comes
        // between.
        try (var claiming = Executors.newVirtualThreadPerTaskExecutor()) {
            var claimed = claiming.submit(() -> world.database.query("""
                    SET test.clock_takes = '0.5';
                    SELECT delivery_id IS NOT NULL, body IS NOT NULL
                    FROM posthorn.claim_webhook_deliveries(
                        '018f0000-0000-7000-8000-000000000001', 1, 10, ARRAY['%s'::uuid], ARRAY[0::bigint], ARRAY[true], NULL, ARRAY[0])
                    """.formatted(endpoint)));
            world.database.query("SELECT pg_sleep(0.75)");
            world.queue("payment.received", "{}");
            // On a slow machine it may come too late for the claim.
            assertThat(claimed.get()).isSubsetOf(List.of(List.of("t", "t")));
        }
    }

    @Test
    void what_was_claimed_is_sent_even_if_the_database_goes_away_right_after() throws Exception {
        String endpoint = world.endpoint("/hook", ", ordering", ", 'endpoint'");
        AtomicInteger cuts = new AtomicInteger();
        DataSource cutting = cutting(world.database.dataSource(), "set_dispatcher_asleep", cuts);
        try (DeliveryEngine engine = DeliveryEngine.builder(cutting, world.masterKey)
                .ownConnections(world.database.dataSource())
                .addresses(EngineFixture.LOOPBACK)
                .build()) {
            engine.start();
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:1");
            world.database.await("SELECT count(*) FROM posthorn.dispatchers WHERE asleep", "1");
            // The next one to ask is the dispatcher that has just claimed something, and is awake again.
            cuts.set(1);
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:2");
            Eventually.until("it was cut off", () -> cuts.get() == 0);
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:3");
        }
        assertThat(world.receiver.received()).hasSize(3);
    }

    @Test
    void what_was_claimed_though_the_answer_was_lost_is_claimed_again_and_sent_once() throws Exception {
        String endpoint = world.endpoint("/hook");
        AtomicInteger losses = new AtomicInteger(1);
        try (DeliveryEngine engine = DeliveryEngine.builder(
                        losingAnswers(world.database.dataSource(), "claim_webhook_deliveries", losses), world.masterKey)
                .ownConnections(world.database.dataSource())
                .addresses(EngineFixture.LOOPBACK)
                .build()) {
            queueMany(10);
            engine.start();
            world.awaitStatus(endpoint, "delivered:10");
        }
        assertThat(losses).hasValue(0);
        assertThat(world.receiver.received()).hasSize(10);
        assertThat(world.invariants()).isEmpty();
    }

    /** Statements with the given text run, and as often as the counter says the connection breaks once they have brought something. */
    private static DataSource losingAnswers(DataSource database, String text, AtomicInteger losses) {
        return preparing(
                database,
                text,
                statement -> intercepting(PreparedStatement.class, statement, (answer, call, arguments) -> {
                    if (answer instanceof ResultSet rows && rows.isBeforeFirst() && taken(losses)) {
                        statement.getConnection().close();
                        throw new SQLException("the connection is lost", "08006");
                    }
                    return answer;
                }));
    }

    /** Connections that break, as often as the counter says, when a statement with the given text comes. */
    private static DataSource cutting(DataSource database, String text, AtomicInteger cuts) {
        return preparing(database, text, statement -> {
            if (taken(cuts)) {
                statement.getConnection().close();
            }
            return statement;
        });
    }

    private static boolean taken(AtomicInteger counter) {
        return counter.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
    }

    private interface Preparation {
        PreparedStatement of(PreparedStatement statement) throws SQLException;
    }

    private static DataSource preparing(DataSource database, String text, Preparation preparation) {
        return intercepting(
                DataSource.class,
                database,
                (opened, connecting, none) -> opened instanceof Connection connection
                        ? intercepting(
                                Connection.class,
                                connection,
                                (made, call, arguments) -> call.getName().equals("prepareStatement")
                                                && String.valueOf(arguments[0]).contains(text)
                                        ? preparation.of((PreparedStatement) made)
                                        : made)
                        : opened);
    }

    private interface Interception {
        Object after(Object result, Method call, Object[] arguments) throws SQLException;
    }

    private static <T> T intercepting(Class<T> type, T real, Interception interception) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (proxy, call, arguments) -> {
                    try {
                        Object result = call.invoke(real, arguments);
                        return result == null ? null : interception.after(result, call, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }

    @Test
    void a_graceful_stop_lets_what_is_under_way_end_and_gives_the_rest_back() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 4");
        CountDownLatch release = new CountDownLatch(1);
        world.receiver.answer(request -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return Answer.of(200);
        });
        DeliveryEngine engine = world.engine().build();
        engine.start();
        queueMany(20);
        world.receiver.await(4, Duration.ofSeconds(20));
        Thread stopping = Thread.ofVirtual().start(engine::close);
        EngineFixture.awaitTrouble(engine, "the engine does not run");
        assertThat(stopping.join(Duration.ofMillis(300))).isFalse();
        release.countDown();
        stopping.join();
        assertThat(world.status(endpoint)).isEqualTo("delivered:4 pending:16");
        assertThat(world.database.one("SELECT count(*) FROM posthorn.dispatchers"))
                .isEqualTo("0");
        assertThat(world.receiver.received()).hasSize(4);
    }

    @Test
    void a_slow_endpoint_holds_no_more_than_its_share_and_delays_nobody() throws Exception {
        String slow = world.endpoint("/slow", ", max_in_flight", ", 2");
        String quick = world.endpoint("/quick");
        CountDownLatch release = new CountDownLatch(1);
        world.receiver.answer(request -> {
            if (request.path().equals("/slow")) {
                try {
                    release.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return Answer.of(200);
        });
        try (DeliveryEngine engine = world.engine().maxInFlight(8).build()) {
            engine.start();
            queueMany(100);
            world.awaitStatus(quick, "delivered:100");
            assertThat(world.receiver.received().stream()
                            .filter(request -> request.path().equals("/slow")))
                    .hasSize(2);
            assertThat(world.status(slow)).isEqualTo("pending:98 sending:2");
            release.countDown();
            world.awaitStatus(slow, "delivered:100");
        }
    }

    private void queueMany(int events) {
        world.database.administrate(
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                        + " FROM generate_series(1, " + events + ") AS n");
    }

    private static Set<String> ids(List<Received> requests) {
        return requests.stream()
                .map(request -> request.header("posthorn-delivery-id"))
                .collect(Collectors.toSet());
    }
}
