package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Jobs that send many deliveries anew. */
class RedeliveryTest {
    private final EngineFixture world = new EngineFixture();
    private final DeliveryEngine engine = world.engine().build();

    @AfterEach
    void close() {
        engine.close();
        world.close();
    }

    @Test
    void everything_failed_is_sent_anew_and_nothing_else() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_attempts", ", 1");
        String other = world.endpoint("/other", ", max_attempts, event_types", ", 1, '{payment.*}'");
        world.receiver.answer(request -> Answer.of(500));
        queue("payment.received", 3);
        queue("access.granted", 2);
        engine.runDueOnce();
        world.receiver.answer(request -> Answer.of(200));
        queue("payment.received", 1);
        engine.runDueOnce();
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:5 delivered:1");

        String job = start("'failed', endpoint => '" + endpoint + "', event_type => 'payment.received'");
        assertThat(engine.runDueOnce()).isEqualTo(3);
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:2 delivered:4");
        assertThat(world.status(other)).isEqualTo("dead_letter:3 delivered:1");
        assertThat(job(job)).containsExactly("completed", "4", "3");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void an_endpoint_that_came_later_gets_what_it_missed_once() throws Exception {
        String early = world.endpoint("/early");
        queue("payment.received", 1200);
        queue("access.granted", 5);
        engine.runDueOnce();
        String late = world.endpoint("/late", ", event_types, filter", ", '{payment.*}', '$.n > 10'");
        String job = start("'missing', endpoint => '" + late + "', from_time => now() - interval '1 hour'");
        // In three batches, of which the second is rolled back as a crash would do.
        advance(500, true);
        advance(500, false);
        advance(500, true);
        advance(500, true);
        assertThat(job(job)).containsExactly("completed", "1205", "1190");
        engine.runDueOnce();
        assertThat(world.status(late)).isEqualTo("delivered:1190");
        assertThat(world.status(early)).isEqualTo("delivered:1205");
        assertThat(job(start("'missing', endpoint => '" + late + "', from_time => now() - interval '1 hour'")))
                .containsExactly("running", "0", "0");
        engine.runDueOnce();
        assertThat(world.status(late)).isEqualTo("delivered:1190");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void everything_since_a_time_is_sent_again_and_the_history_keeps_both() throws Exception {
        String endpoint = world.endpoint("/hook");
        queue("payment.received", 2);
        engine.runDueOnce();
        world.database.advanceClock(Duration.ofHours(2));
        queue("payment.received", 3);
        engine.runDueOnce();
        start("'all', from_time => posthorn.clock_now() - interval '1 hour'");
        assertThat(engine.runDueOnce()).isEqualTo(3);
        assertThat(world.status(endpoint)).isEqualTo("delivered:5");
        assertThat(world.database.query(
                        "SELECT number, outcome, count(*) FROM posthorn.webhook_attempts GROUP BY 1, 2 ORDER BY 1"))
                .containsExactly(List.of("1", "delivered", "5"), List.of("2", "delivered", "3"));
        assertThat(world.receiver.received()).hasSize(8);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_cancelled_job_goes_no_further() throws Exception {
        world.endpoint("/hook");
        queue("payment.received", 5);
        engine.runDueOnce();
        String job = start("'all', from_time => now() - interval '1 hour'");
        world.database.query("SET ROLE posthorn_service; SELECT posthorn.cancel_webhook_redelivery('" + job + "')");
        assertThat(engine.runDueOnce()).isZero();
        assertThat(job(job)).containsExactly("cancelled", "0", "0");
        assertThatThrownBy(() -> world.database.query(
                        "SET ROLE posthorn_service; SELECT posthorn.cancel_webhook_redelivery('" + job + "')"))
                .hasMessageContaining("already cancelled");
    }

    @Test
    void what_makes_no_sense_is_refused() {
        for (List<String> wrong : List.of(
                List.of("'everything'", "what must be failed, missing or all"),
                List.of("'missing'", "from_time is missing"),
                List.of("'all', from_time => now() + interval '1 hour'", "from_time must be before"),
                List.of("'failed', endpoint => '018f0000-0000-7000-8000-000000000001'", "there is no endpoint"))) {
            assertThatThrownBy(() -> start(wrong.get(0))).hasMessageContaining(wrong.get(1));
        }
    }

    private void queue(String type, int events) {
        world.database.administrate("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', '" + type
                + "', jsonb_build_object('n', n)) FROM generate_series(1, " + events + ") AS n");
    }

    private String start(String arguments) {
        return world.database.one(
                "SET ROLE posthorn_service; SELECT posthorn.start_webhook_redelivery('ext:acme', " + arguments + ")");
    }

    private void advance(int events, boolean commit) {
        world.database.administrate(
                "BEGIN; SET LOCAL ROLE posthorn_service; SELECT posthorn.advance_webhook_redelivery(" + events + "); "
                        + (commit ? "COMMIT" : "ROLLBACK"));
    }

    private List<@Nullable String> job(String id) {
        return world.database
                .query("SELECT status, examined, redelivered FROM posthorn.webhook_redeliveries WHERE id = '" + id
                        + "'")
                .get(0);
    }
}
