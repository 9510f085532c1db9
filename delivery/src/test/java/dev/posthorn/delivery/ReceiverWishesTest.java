package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a receiver can ask for with its answer. */
class ReceiverWishesTest {
    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    private void answer(int status, String wish) {
        world.receiver.answer(request -> new Answer(status, Map.of("Webhook-Delivery", wish), new byte[0]));
    }

    private String reason(String endpoint) {
        return String.valueOf(world.database
                .query("SELECT disabled_reason FROM posthorn.webhook_endpoint_health WHERE endpoint_id = '" + endpoint
                        + "'")
                .get(0)
                .get(0));
    }

    private void enable(String endpoint) {
        world.database.administrate("SELECT posthorn.enable_webhook_endpoint('" + endpoint + "')");
    }

    @Test
    void abort_message_ends_that_delivery_and_nothing_else() throws Exception {
        String endpoint = world.endpoint("/hook");
        answer(422, "abort-message");
        try (DeliveryEngine engine = world.engine().build()) {
            for (int i = 0; i < 12; i++) {
                world.queue("payment.received", "{}");
            }
            engine.runDueOnce();
            assertThat(world.status(endpoint)).isEqualTo("failed:12");
            // Twelve in a row, and the endpoint is as well as before.
            assertThat(reason(endpoint)).isEqualTo("null");
            assertThat(
                            world.database.query(
                                    "SELECT DISTINCT number, status_code, outcome, error_class, error FROM posthorn.webhook_attempts"))
                    .containsExactly(List.of(
                            "1",
                            "422",
                            "failed",
                            "receiver_aborted",
                            "the receiver answered 422 and cancelled this delivery"));
            answer(200, " Abort-Message ");
            world.queue("payment.received", "{}");
            engine.runDueOnce();
            assertThat(world.status(endpoint)).isEqualTo("delivered:1 failed:12");
            answer(500, "abort");
            world.queue("payment.received", "{}");
            engine.runDueOnce();
            assertThat(world.status(endpoint)).isEqualTo("delivered:1 failed:12 retrying:1");
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void disable_parks_what_waits_until_somebody_enables_it() throws Exception {
        for (int status : List.of(500, 204)) {
            String endpoint = world.endpoint("/hook", ", max_in_flight", ", 1");
            answer(status, "disable");
            try (DeliveryEngine engine = world.engine().build()) {
                world.queue("payment.received", "{}");
                world.queue("payment.received", "{}");
                engine.runDueOnce();
                assertThat(reason(endpoint)).isEqualTo("receiver");
                String first = status == 204 ? "delivered:1 " : "parked retrying:1 ";
                assertThat(world.status(endpoint))
                        .isEqualTo(
                                status == 204 ? "delivered:1 parked pending:1" : "parked pending:1 " + first.strip());
                // New ones pass it over, no probe wakes it, a repaired dead letter does not either.
                world.queue("payment.received", "{}");
                world.database.advanceClock(Duration.ofHours(3));
                world.receiver.answer(request -> Answer.of(200));
                int before = world.receiver.received().size();
                engine.runDueOnce();
                assertThat(world.receiver.received()).hasSize(before);
                assertThat(reason(endpoint)).isEqualTo("receiver");
                enable(endpoint);
                engine.runDueOnce();
                assertThat(world.status(endpoint)).isEqualTo("delivered:2");
                world.database.administrate("SELECT posthorn.delete_webhook_endpoint('" + endpoint + "')");
            }
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_probe_that_is_answered_with_disable_ends_the_probing() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 1");
        world.receiver.answer(request -> Answer.of(500));
        try (DeliveryEngine engine = world.engine().build()) {
            for (int i = 0; i < 11; i++) {
                world.queue("payment.received", "{}");
            }
            engine.runDueOnce();
            assertThat(reason(endpoint)).isEqualTo("auto");
            answer(200, "disable");
            world.database.advanceClock(Duration.ofMinutes(1));
            engine.runDueOnce();
            assertThat(reason(endpoint)).isEqualTo("receiver");
            int before = world.receiver.received().size();
            world.database.advanceClock(Duration.ofHours(5));
            engine.runDueOnce();
            assertThat(world.receiver.received()).hasSize(before);
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void disable_does_not_take_the_place_of_the_owners_switch() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            world.receiver.answer(request -> {
                world.database.administrate("SELECT posthorn.disable_webhook_endpoint('" + endpoint + "')");
                return new Answer(500, Map.of("webhook-delivery", "disable"), new byte[0]);
            });
            world.queue("payment.received", "{}");
            engine.runDueOnce();
        }
        assertThat(reason(endpoint)).isEqualTo("manual");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void overload_slows_the_endpoint_down_and_success_speeds_it_up_again() throws Exception {
        for (int status : List.of(429, 502, 503, 504)) {
            String endpoint = world.endpoint("/" + status);
            world.receiver.answer(request -> Answer.of(status));
            try (DeliveryEngine engine = world.engine().build()) {
                world.queue("payment.received", "{}");
                engine.runDueOnce();
                assertThat(limit(endpoint)).as("after " + status).isEqualTo("8");
                world.receiver.answer(request -> Answer.of(200));
                world.queue("payment.received", "{}");
                engine.runDueOnce();
                assertThat(limit(endpoint)).isEqualTo("null");
                world.database.administrate("SELECT posthorn.delete_webhook_endpoint('" + endpoint + "')");
            }
        }
    }

    private String limit(String endpoint) {
        return String.valueOf(world.database
                .query("SELECT in_flight_limit FROM posthorn.webhook_endpoint_health WHERE endpoint_id = '" + endpoint
                        + "'")
                .get(0)
                .get(0));
    }
}
