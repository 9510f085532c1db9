package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** closed → open → half-open → closed, and how many deliveries may be under way to an endpoint that is weak. */
class CircuitTest {
    private final EngineFixture world = new EngineFixture();
    private final DeliveryEngine engine = world.engine().build();

    @AfterEach
    void close() {
        engine.close();
        world.close();
    }

    @Test
    void a_probe_that_is_delivered_closes_the_circuit_and_everything_comes_back() throws Exception {
        String endpoint = openCircuit();
        assertThat(engine.runDueOnce()).as("before its time").isZero();
        world.receiver.answer(request -> Answer.of(200));
        world.database.advanceClock(Duration.ofSeconds(31));
        assertThat(engine.runDueOnce()).isEqualTo(15);
        assertThat(world.status(endpoint)).isEqualTo("delivered:15");
        assertThat(circuit(endpoint)).containsExactly("closed", "0", null);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_probe_that_fails_uses_no_attempt_and_the_next_one_waits_twice_as_long() throws Exception {
        String endpoint = openCircuit();
        String oldest = world.database.one("SELECT min(id::text) FROM posthorn.webhook_deliveries");
        String before =
                world.database.one("SELECT attempt_count FROM posthorn.webhook_deliveries WHERE id = '" + oldest + "'");
        for (int wait : List.of(30, 60, 120)) {
            world.database.advanceClock(Duration.ofSeconds(wait - 10));
            assertThat(engine.runDueOnce()).as("before %s seconds", wait).isZero();
            world.database.advanceClock(Duration.ofSeconds(11));
            assertThat(engine.runDueOnce()).as("after %s seconds", wait).isEqualTo(1);
        }
        assertThat(world.status(endpoint)).isEqualTo("parked pending:5 parked retrying:10");
        assertThat(world.database.one(
                        "SELECT attempt_count FROM posthorn.webhook_deliveries WHERE id = '" + oldest + "'"))
                .isEqualTo(before);
        assertThat(world.database.one("SELECT count(*) FROM posthorn.webhook_attempts WHERE delivery_id = '" + oldest
                        + "' AND number IS NULL AND outcome = 'failed'"))
                .isEqualTo("3");
        assertThat(circuit(endpoint).get(0)).isEqualTo("open");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_probe_whose_sender_is_lost_returns_and_another_one_follows() throws Exception {
        String endpoint = openCircuit();
        world.database.advanceClock(Duration.ofSeconds(31));
        world.database.query(
                "SET ROLE posthorn_service;"
                        + " SELECT posthorn.register_dispatcher('018f0000-0000-7000-8000-000000000001', 'lost', '');"
                        + " SELECT delivery_id FROM posthorn.claim_endpoint_probes('018f0000-0000-7000-8000-000000000001', 1, 10)");
        assertThat(circuit(endpoint).get(0)).isEqualTo("half_open");
        // The other node must itself be heard for as long as a lease lasts before this one is taken for lost.
        for (int seconds : List.of(3, 1, 1, 1, 1)) {
            world.database.advanceClock(Duration.ofSeconds(seconds));
            assertThat(engine.runDueOnce()).as("one probe at a time").isZero();
        }
        assertThat(world.status(endpoint)).isEqualTo("parked pending:5 parked retrying:10");
        world.receiver.answer(request -> Answer.of(200));
        world.database.advanceClock(Duration.ofSeconds(61));
        assertThat(engine.runDueOnce()).isEqualTo(15);
        assertThat(world.status(endpoint)).isEqualTo("delivered:15");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_probe_that_fails_after_its_endpoint_was_enabled_by_hand_is_an_attempt_like_any_other() throws Exception {
        String endpoint = openCircuit();
        world.database.advanceClock(Duration.ofSeconds(31));
        world.database.query("""
                SET ROLE posthorn_service;
                SELECT posthorn.register_dispatcher('018f0000-0000-7000-8000-000000000001', 'other', '');
                SELECT delivery_id FROM posthorn.claim_endpoint_probes('018f0000-0000-7000-8000-000000000001', 1, 10)
                """);
        String attempts = "SELECT attempt_count FROM posthorn.webhook_deliveries WHERE id = '"
                + world.database.one("SELECT id FROM posthorn.webhook_deliveries WHERE status = 'sending'") + "'";
        int before = Integer.parseInt(world.database.one(attempts));
        world.database.query("SET ROLE posthorn_service; SELECT posthorn.enable_webhook_endpoint('" + endpoint + "')");
        world.database.query("""
                SELECT r.status
                FROM posthorn.webhook_deliveries AS d,
                     posthorn.record_claimed_results(ARRAY[d.id], ARRAY[d.dispatcher_id], ARRAY[d.lease_no], '{500}', '{NULL}', '{NULL}', '{1}',
                                                     '{NULL}', '{NULL}') AS r
                WHERE d.status = 'sending'
                """);
        assertThat(world.database.one(attempts)).isEqualTo(Integer.toString(before + 1));
        assertThat(world.database.one("SELECT count(*) FROM posthorn.webhook_deliveries WHERE stage = 'waiting'"))
                .as("it has its time to wait, as its schedule says")
                .isEqualTo("1");
        assertThat(circuit(endpoint)).containsExactly("closed", "1", null);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_probe_keeps_the_order_of_its_lane() throws Exception {
        String endpoint = world.endpoint("/hook", ", ordering, max_attempts", ", 'endpoint', 1");
        world.receiver.answer(request -> Answer.of(500));
        String first = world.queue("payment.received", "{}");
        assertThat(engine.runDueOnce()).isEqualTo(1);
        String second = world.queue("payment.received", "{}");
        world.database.query(
                "SET ROLE posthorn_service; SELECT posthorn.retry_dead_letter(id) FROM posthorn.webhook_deliveries WHERE status = 'dead_letter'");
        disable(endpoint);
        world.receiver.answer(request -> Answer.of(200));
        assertThat(engine.runDueOnce()).isEqualTo(2);
        assertThat(world.receiver.received().stream().map(request -> request.header("webhook-id")))
                .as("it was passed, and sent anew it goes to the end")
                .containsExactly(first, second, first);
    }

    @Test
    void a_probe_is_of_no_lane_that_waits_for_a_dead_letter() throws Exception {
        String endpoint = world.endpoint(
                "/hook", ", ordering, ordering_key, on_dead_letter, max_attempts", ", 'key', '$.key', 'hold', 1");
        world.receiver.answer(request -> Answer.of(500));
        world.queue("payment.received", "{\"key\": \"a\"}");
        assertThat(engine.runDueOnce()).isEqualTo(1);
        world.queue("payment.received", "{\"key\": \"a\"}");
        String other = world.queue("payment.received", "{\"key\": \"b\"}");
        disable(endpoint);
        world.receiver.answer(request -> Answer.of(200));
        assertThat(engine.runDueOnce()).isEqualTo(1);
        assertThat(world.receiver.received().getLast().header("webhook-id")).isEqualTo(other);
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:1 delivered:1 pending:1");
        assertThat(circuit(endpoint).get(0)).isEqualTo("closed");
    }

    @Test
    void what_is_queued_for_a_disabled_endpoint_and_committed_after_its_deletion_ends() throws Exception {
        String endpoint = world.endpoint("/hook");
        disable(endpoint);
        try (Connection queueing = world.database.superuser()) {
            queueing.setAutoCommit(false);
            TestDatabase.query(
                    queueing,
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', '{}')");
            world.database.administrate("UPDATE posthorn.webhook_endpoints SET deleted_at = posthorn.clock_now()");
            assertThat(engine.runDueOnce()).isZero();
            queueing.commit();
        }
        assertThat(world.status(endpoint)).isEqualTo("parked pending:1");
        assertThat(engine.runDueOnce()).isZero();
        assertThat(world.status(endpoint)).isEqualTo("failed:1");
    }

    /** As if its failures had, and a probe is due. */
    private void disable(String endpoint) {
        world.database.administrate(
                "SELECT posthorn.switch_webhook_endpoint('" + endpoint + "', 'auto');"
                        + " UPDATE posthorn.webhook_endpoint_health SET probe_at = posthorn.clock_now(), probe_wait = '30 seconds'");
    }

    @Test
    void an_operator_may_do_without_probes() throws Exception {
        world.database.administrate("UPDATE posthorn.settings SET value = '0' WHERE name = 'probe_after_seconds'");
        openCircuit();
        world.receiver.answer(request -> Answer.of(200));
        world.database.advanceClock(Duration.ofDays(1));
        assertThat(engine.runDueOnce()).isZero();
    }

    @Test
    void an_endpoint_that_says_it_is_overloaded_gets_fewer_at_once_until_it_recovers() throws Exception {
        world.database.administrate("UPDATE posthorn.settings SET value = '0' WHERE name = 'auto_disable_after'");
        String endpoint = world.endpoint("/hook", ", retry_schedule", ", '{1 minute}'");
        world.receiver.answer(request -> Answer.of(503));
        world.queue("payment.received", "{}");
        for (String limit : List.of("8", "4", "2", "1", "1")) {
            assertThat(engine.runDueOnce()).isEqualTo(1);
            assertThat(limit(endpoint)).isEqualTo(limit);
            world.database.advanceClock(Duration.ofMinutes(2));
        }
        world.receiver.answer(request -> Answer.of(200));
        for (String limit : List.of("2", "4", "8", "16")) {
            assertThat(engine.runDueOnce()).isEqualTo(1);
            assertThat(limit(endpoint)).as("after another success").isEqualTo(limit);
            world.queue("payment.received", "{}");
        }
    }

    /** Ten failures in a row, five more deliveries wait. */
    private String openCircuit() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 1");
        world.receiver.answer(request -> Answer.of(500));
        for (int i = 0; i < 15; i++) {
            world.queue("payment.received", "{}");
        }
        assertThat(engine.runDueOnce()).isEqualTo(10);
        assertThat(circuit(endpoint).get(0)).isEqualTo("open");
        assertThat(world.status(endpoint)).isEqualTo("parked pending:5 parked retrying:10");
        return endpoint;
    }

    private List<@Nullable String> circuit(String endpoint) {
        return world.database
                .query("SELECT circuit, consecutive_failures, next_probe_at FROM posthorn.webhook_endpoint_status"
                        + " WHERE id = '" + endpoint + "'")
                .get(0);
    }

    private String limit(String endpoint) {
        return world.database.one(
                "SELECT in_flight_limit FROM posthorn.webhook_endpoint_status WHERE id = '" + endpoint + "'");
    }
}
