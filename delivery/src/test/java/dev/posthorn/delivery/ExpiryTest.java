package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Before retention removes what never arrived, the owner is told. */
class ExpiryTest {
    private static final String TOLD = """
            SELECT payload->>'endpoint_id', payload->>'dead_letters', payload->>'parked',
                   round(extract(epoch FROM (payload->>'first_expires_at')::timestamptz - created_at) / 86400)
            FROM (SELECT created_at, payload::jsonb FROM posthorn.webhook_events
                  WHERE event_type = 'posthorn.deliveries.expiring') AS e
            ORDER BY created_at
            """;

    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void dead_letters_and_parked_deliveries_are_announced_once_seven_days_before() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_attempts, event_types", ", 1, '{payment.*}'");
        world.endpoint("/owner", ", event_types", ", '{posthorn.*}'");
        world.receiver.answer(request -> Answer.of(request.path().equals("/hook") ? 500 : 200));
        try (DeliveryEngine engine = world.engine().build()) {
            queueMany(2);
            assertThat(engine.runDueOnce()).isEqualTo(2 + 1);
            world.database.administrate(
                    "SELECT posthorn.disable_webhook_endpoint('" + endpoint + "'); SELECT posthorn.maintain()");
            world.database.administrate("UPDATE posthorn.webhook_endpoint_health SET disabled_reason = 'auto'"
                    + " WHERE endpoint_id = '" + endpoint + "'");
            queueMany(3);
            later(82);
            assertThat(told()).isEmpty();
            later(2);
            assertThat(told()).containsExactly(List.of(endpoint, "2", "3", "6"));
            later(0);
            assertThat(told()).hasSize(1);

            // Each is told of once, and what comes to rest later by itself.
            later(1);
            assertThat(told()).hasSize(1);
            later(6);
            assertThat(world.status(endpoint)).isEqualTo("dead_letter:3");
            later(84);
            assertThat(told()).hasSize(2);
            assertThat(told().get(1).subList(0, 3)).isEqualTo(List.of(endpoint, "3", "0"));
            engine.runDueOnce();
        }
        assertThat(world.receiver.received().stream()
                        .filter(request -> request.path().equals("/owner")))
                .hasSizeGreaterThanOrEqualTo(2);
        assertThat(world.invariants()).isEmpty();
    }

    private List<List<@Nullable String>> told() {
        return world.database.query(TOLD);
    }

    private void later(int days) {
        world.database.advanceClock(Duration.ofDays(days));
        world.database.administrate("SET ROLE posthorn_service; SELECT posthorn.maintain()");
    }

    private void queueMany(int events) {
        world.database.administrate(
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                        + " FROM generate_series(1, " + events + ") AS n");
    }
}
