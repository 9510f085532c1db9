package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which silence means that a node is lost. */
class LostNodeTest {
    private static final String ONE = "018f0000-0000-7000-8000-000000000001";
    private static final String TWO = "018f0000-0000-7000-8000-000000000002";
    private static final String THREE = "018f0000-0000-7000-8000-000000000003";
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final EngineFixture world = new EngineFixture();
    private Instant now = Instant.parse("2030-01-01T12:00:00Z");

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void a_node_that_dies_right_after_the_start_of_all_is_lost_when_its_lease_ends() {
        register(ONE, TWO);
        for (int second = 1; second <= 3; second++) {
            pass(SECOND, TWO);
            assertThat(rescue()).as("after %s seconds", second).containsExactly(ONE, TWO);
        }
        pass(SECOND.plusMillis(100), TWO);
        assertThat(rescue()).containsExactly(TWO);
    }

    @Test
    void a_node_that_dies_right_after_another_was_thawed_is_lost_when_its_lease_ends() {
        register(ONE, TWO, THREE);
        pass(SECOND, ONE, TWO, THREE);
        pass(SECOND, ONE, TWO);
        pass(SECOND, ONE, TWO);
        // The third was frozen and is back before anybody has missed it; the first dies in that moment.
        pass(SECOND.plusMillis(500), ONE, TWO, THREE);
        for (int second = 1; second <= 4; second++) {
            assertThat(rescue()).as("after %s seconds", second - 1).containsExactly(ONE, TWO, THREE);
            pass(SECOND.plusMillis(10), TWO, THREE);
        }
        assertThat(rescue()).containsExactly(TWO, THREE);
    }

    @Test
    void nobody_is_lost_when_the_database_stood_still() {
        register(ONE, TWO);
        for (int second = 1; second <= 6; second++) {
            pass(SECOND, ONE, TWO);
        }
        advance(Duration.ofSeconds(20));
        assertThat(rescue()).as("before anybody was heard again").containsExactly(ONE, TWO);
        beat(TWO, false);
        assertThat(rescue()).as("one was heard again").containsExactly(ONE, TWO);
        for (int second = 1; second <= 3; second++) {
            pass(SECOND, TWO);
            assertThat(rescue()).as("for %s seconds", second).containsExactly(ONE, TWO);
        }
        pass(SECOND.plusMillis(100), TWO);
        assertThat(rescue()).as("and now long enough").containsExactly(TWO);
    }

    @Test
    void when_the_databases_clock_is_set_only_who_stays_silent_is_lost() {
        for (int minutes : List.of(5, -120)) {
            world.database.query("DELETE FROM posthorn.dispatchers");
            register(ONE, TWO, THREE);
            for (int second = 1; second <= 5; second++) {
                pass(SECOND, ONE, TWO, THREE);
            }
            advance(Duration.ofMinutes(minutes));
            assertThat(rescue()).as("%s min", minutes).containsExactly(ONE, TWO, THREE);
            for (int second = 1; second <= 4; second++) {
                pass(SECOND, TWO);
                assertThat(rescue()).as("%s min, %s s", minutes, second).containsExactly(ONE, TWO, THREE);
                beat(THREE, false);
            }
            pass(SECOND.plusMillis(100), TWO, THREE);
            assertThat(rescue()).as("%s min", minutes).containsExactly(TWO, THREE);
        }
    }

    @Test
    void a_caller_of_sql_does_not_take_nodes_for_lost_after_a_standstill_either() {
        register(ONE, TWO);
        advance(Duration.ofSeconds(20));
        world.database.query("SET ROLE posthorn_service; SELECT * FROM posthorn.get_pending_webhooks(1)");
        world.database.query("SET ROLE posthorn_service; SELECT posthorn.maintain()");
        assertThat(nodes()).containsExactly(ONE, TWO);
    }

    @Test
    void a_node_whose_connections_were_cut_bears_no_witness_until_the_others_could_be_heard_again() {
        register(ONE, TWO);
        for (int second = 1; second <= 6; second++) {
            pass(SECOND, ONE, TWO);
        }
        advance(SECOND);
        beat(TWO, true);
        for (int second = 1; second <= 3; second++) {
            pass(SECOND, TWO);
            assertThat(rescue()).as("%s seconds after the cut", second).containsExactly(ONE, TWO);
        }
        pass(SECOND.plusMillis(100), TWO);
        assertThat(rescue()).containsExactly(TWO);
    }

    @Test
    void where_no_node_is_heard_at_all_a_caller_of_sql_waits_for_ten_minutes() {
        register(ONE);
        advance(Duration.ofSeconds(598));
        assertThat(rescue()).containsExactly(ONE);
        advance(Duration.ofSeconds(2));
        assertThat(rescue()).isEmpty();
    }

    @Test
    void what_a_killed_node_held_is_sent_again_even_if_the_other_has_its_own_troubles() throws Exception {
        world.endpoint("/hook");
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET timeout_seconds = 30");
        AtomicBoolean killed = new AtomicBoolean();
        AtomicInteger failures = new AtomicInteger();
        CountDownLatch death = new CountDownLatch(1);
        world.receiver.answer(request -> {
            awaitUninterrupted(death);
            return Answer.of(200);
        });
        DeliveryEngine dying = DeliveryEngine.builder(
                        failing(killed, "", "57P01", new AtomicInteger()), world.masterKey)
                .ownConnections(failing(killed, "", "57P01", new AtomicInteger()))
                .addresses(EngineFixture.LOOPBACK)
                .stopTimeout(Duration.ZERO)
                .build();
        try (dying) {
            dying.start();
            world.queue("payment.received", "{}");
            world.receiver.await(1, Duration.ofSeconds(60));
            killed.set(true);
            death.countDown();
            // Its chores fail at every round, as they may under load: that is no reason to doubt what it hears of
            // others.
            DataSource troubled = failing(killed, "settle_backlogs", "40001", failures);
            try (DeliveryEngine other = DeliveryEngine.builder(troubled, world.masterKey)
                    .ownConnections(world.database.dataSource())
                    .addresses(EngineFixture.LOOPBACK)
                    .build()) {
                other.start();
                world.receiver.await(2, Duration.ofSeconds(45));
            }
        }
        assertThat(failures.get()).isPositive();
        assertThat(world.receiver.received().get(1).header("webhook-id"))
                .isEqualTo(world.receiver.received().get(0).header("webhook-id"));
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The database's clock stands still meanwhile, so that a slow machine changes nothing. */
    private void advance(Duration time) {
        now = now.plus(time);
        world.database.administrate("CREATE OR REPLACE FUNCTION posthorn.clock_now() RETURNS timestamptz"
                + " LANGUAGE sql VOLATILE PARALLEL SAFE RETURN timestamptz '" + now + "'");
    }

    private void register(String... nodes) {
        advance(SECOND);
        for (String node : nodes) {
            world.database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.register_dispatcher('" + node + "', 'test', '')");
        }
    }

    private void pass(Duration time, String... heard) {
        advance(time);
        for (String node : heard) {
            beat(node, false);
        }
    }

    private void beat(String node, boolean interrupted) {
        world.database.query(
                "SET ROLE posthorn_service; SELECT posthorn.beat_dispatcher('" + node + "', " + interrupted + ")");
    }

    /** Returns which nodes are left. */
    private List<String> rescue() {
        world.database.query("SET ROLE posthorn_service; SELECT posthorn.rescue_lost_leases()");
        return nodes();
    }

    private List<String> nodes() {
        return world.database.query("SELECT id FROM posthorn.dispatchers WHERE kind = 'node' ORDER BY id").stream()
                .map(row -> String.valueOf(row.getFirst()))
                .toList();
    }

    /** Connections on which, from a moment on, each transaction fails in which a statement with the given text is run. */
    private DataSource failing(AtomicBoolean from, String text, String state, AtomicInteger failures) {
        return proxy(DataSource.class, (unused, call, arguments) -> {
            Connection connection = world.database.dataSource().getConnection();
            return proxy(
                    Connection.class,
                    (again, called, parameters) -> called.getName().equals("createStatement")
                            ? failing(connection.createStatement(), from, text, state, failures)
                            : invoke(connection, called, parameters, from.get() && text.isEmpty(), state, failures));
        });
    }

    private static Statement failing(
            Statement statement, AtomicBoolean from, String text, String state, AtomicInteger failures) {
        return proxy(Statement.class, (unused, call, arguments) -> {
            boolean meant = arguments != null && String.valueOf(arguments[0]).contains(text);
            return invoke(statement, call, arguments, from.get() && meant, state, failures);
        });
    }

    private static @Nullable Object invoke(
            Object target,
            Method call,
            Object @Nullable [] arguments,
            boolean fails,
            String state,
            AtomicInteger failures)
            throws Throwable {
        if (fails && !call.getName().equals("close")) {
            failures.incrementAndGet();
            throw new SQLException("meant to fail", state);
        }
        try {
            return call.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
