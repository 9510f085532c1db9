package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** When a lane is asked again: as soon as it may give something, without the help of a sweep. */
class OpenLanesTest {
    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void a_sweep_that_takes_long_keeps_nothing_waiting() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build();
                Connection other = world.database.superuser()) {
            engine.start();
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:1");
            world.hangSweeps(other);
            queueMany(100);
            world.awaitStatus(endpoint, "delivered:101");
            world.letSweepsGo(other);
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void what_comes_while_a_slow_request_is_under_way_waits_for_no_sweep() throws Exception {
        String endpoint = world.endpoint("/hook", ", timeout_seconds", ", 30");
        CountDownLatch release = new CountDownLatch(1);
        world.receiver.answer(request -> {
            if (world.receiver.received().size() <= 1) {
                try {
                    release.await(1, TimeUnit.MINUTES);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            return Answer.of(200);
        });
        try (DeliveryEngine engine = world.engine().build();
                Connection other = world.database.superuser()) {
            engine.start();
            queueMany(1);
            world.receiver.await(1, Duration.ofSeconds(20));
            // It is answered only at the end. Meanwhile a sweep has seen the lane, and a claim found nothing in it.
            world.database.query("SELECT pg_sleep(2.5)");
            world.hangSweeps(other);
            queueMany(3);
            world.receiver.await(4, Duration.ofSeconds(20));
            release.countDown();
            world.awaitStatus(endpoint, "delivered:4");
            world.letSweepsGo(other);
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_claim_tells_of_a_lane_that_may_give_more_once_something_of_it_has_ended() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 4");
        world.database.administrate("""
                UPDATE posthorn.webhook_endpoint_health SET secret_version = 1;
                SELECT posthorn.register_dispatcher(id, 'test', '')
                FROM unnest(ARRAY['018f0000-0000-7000-8000-000000000001', '018f0000-0000-7000-8000-000000000002']::uuid[]) AS d (id);
                UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 hour';
                """);
        queueMany(2);
        assertThat(claim(endpoint, 1, 1, 10, 0)).as("that was all").containsExactly("delivery", "delivery");
        queueMany(4);
        assertThat(claim(endpoint, 2, 1, 10, 0))
                .as("the other one holds half of the four that may be under way")
                .containsExactly("-1", "delivery", "delivery");
        assertThat(claim(endpoint, 2, 2, 10, 2))
                .as("its turn comes when one has ended")
                .containsExactly("-1");
        assertThat(claim(endpoint, 1, 2, 10, 2)).containsExactly("-1");
        world.database.administrate("DELETE FROM posthorn.webhook_deliveries WHERE status = 'sending'");
        queueMany(1);
        assertThat(claim(endpoint, 1, 3, 10, 2))
                .as("what has ended is still counted by this node, so one is left")
                .containsExactly("-1", "delivery", "delivery");
    }

    @Test
    void a_claim_that_finds_nothing_more_tells_whether_the_lane_is_full() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 4");
        world.database.administrate("""
                UPDATE posthorn.webhook_endpoint_health SET secret_version = 1;
                SELECT posthorn.register_dispatcher('018f0000-0000-7000-8000-000000000001', 'test', '');
                UPDATE posthorn.dispatchers SET expires_at = now() + interval '1 hour';
                """);
        queueMany(3);
        assertThat(claim(endpoint, 1, 1, 10, 0)).hasSize(3);
        assertThat(claim(endpoint, 1, 2, 10, 3)).as("there is room for one").isEmpty();
        queueMany(2);
        assertThat(claim(endpoint, 1, 3, 10, 3)).containsExactly("-1", "delivery");
        assertThat(claim(endpoint, 1, 4, 10, 4)).containsExactly("-1");
    }

    @Test
    void nodes_are_told_when_an_endpoint_may_get_more() throws Exception {
        String endpoint = world.endpoint("/hook", ", ordering, on_dead_letter, rate_limit", ", 'endpoint', 'hold', 1");
        try (Connection listener = world.database.superuser();
                Statement statement = listener.createStatement()) {
            statement.execute("LISTEN posthorn_wake");
            for (String change :
                    List.of("on_dead_letter = 'pass'", "max_in_flight = 20", "rate_limit = NULL", "url = url || '/'")) {
                world.database.administrate("SET ROLE posthorn_service; UPDATE posthorn.webhook_endpoints SET " + change
                        + " WHERE id = '" + endpoint + "'");
            }
            // All that was committed before has been told when this is.
            world.database.administrate("NOTIFY posthorn_wake, 'last'");
            List<String> told = new ArrayList<>();
            while (!told.contains("last")) {
                for (PGNotification notification :
                        listener.unwrap(PGConnection.class).getNotifications(20_000)) {
                    told.add(notification.getParameter());
                }
            }
            assertThat(told).containsExactly("sweep", "sweep", "sweep", "last");
        }
    }

    /** What a claim answers: deliveries, and what it says of the lane. */
    private List<String> claim(String endpoint, int dispatcher, int lease, int rows, int held) {
        return world.database.query("""
                SELECT coalesce(open_after_ms::text, 'delivery')
                FROM posthorn.claim_webhook_deliveries(
                    '018f0000-0000-7000-8000-00000000000%d', %d, %d, ARRAY['%s'::uuid], ARRAY[0::bigint], ARRAY[true], NULL, ARRAY[%d])
                WHERE open_after_ms IS DISTINCT FROM 0
                ORDER BY 1
                """.formatted(dispatcher, lease, rows, endpoint, held)).stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }

    private void queueMany(int events) {
        world.database.administrate(
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                        + " FROM generate_series(1, " + events + ") AS n");
    }
}
