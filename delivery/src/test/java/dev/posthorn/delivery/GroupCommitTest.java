package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.store.StoredEvent;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many callers at the same moment. */
class GroupCommitTest {
    private final EngineFixture world = new EngineFixture();
    private final UUID community = UUID.fromString(world.database.one("SELECT id FROM posthorn.communities"));

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void each_caller_gets_the_answers_to_its_own_events_and_many_share_a_transaction() throws Exception {
        try (DeliveryEngine engine = world.engine().build();
                var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<StoredEvent>>> answers = new ArrayList<>();
            for (int caller = 0; caller < 400; caller++) {
                String payload = "{\"caller\":" + caller + "}";
                answers.add(callers.submit(() -> engine.queue(
                        List.of(event("first", payload), event("not a type", payload), event("second", payload)))));
            }
            for (int caller = 0; caller < 400; caller++) {
                List<StoredEvent> stored = answers.get(caller).get();
                assertThat(stored).hasSize(3);
                assertThat(stored.get(0).event().payload()).isEqualTo("{\"caller\":" + caller + "}");
                assertThat(stored.get(1)).isInstanceOf(StoredEvent.Refused.class);
                StoredEvent.Queued second = (StoredEvent.Queued) stored.get(2);
                assertThat(world.database.query("SELECT event_type, payload FROM posthorn.webhook_events WHERE id = '"
                                + second.eventId() + "'"))
                        .containsExactly(List.of("second", "{\"caller\":" + caller + "}"));
            }
        }
        assertThat(Integer.parseInt(
                        world.database.one("SELECT count(DISTINCT xmin::text) FROM posthorn.webhook_events")))
                .as("transactions for 400 callers")
                .isLessThan(200);
    }

    @Test
    void what_the_database_does_not_take_spoils_nothing_for_the_others() throws Exception {
        try (DeliveryEngine engine = world.engine().build();
                var callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<StoredEvent>>> good = new ArrayList<>();
            List<Future<List<StoredEvent>>> bad = new ArrayList<>();
            for (int caller = 0; caller < 200; caller++) {
                good.add(callers.submit(() -> engine.queue(List.of(event("good", "{}")))));
                bad.add(callers.submit(() -> engine.queue(List.of(event("bad", "this is no JSON")))));
            }
            for (Future<List<StoredEvent>> answer : good) {
                assertThat(answer.get()).singleElement().isInstanceOf(StoredEvent.Queued.class);
            }
            for (Future<List<StoredEvent>> answer : bad) {
                assertThat(failure(answer)).isInstanceOf(SQLException.class).hasMessageContaining("json");
            }
        }
        assertThat(world.database.one("SELECT count(*) FROM posthorn.webhook_events"))
                .isEqualTo("200");
    }

    private static Throwable failure(Future<?> answer) throws InterruptedException {
        try {
            answer.get();
            throw new AssertionError("it was accepted");
        } catch (ExecutionException e) {
            return Objects.requireNonNull(e.getCause());
        }
    }

    private AcceptedEvent event(String type, String payload) {
        return AcceptedEvent.accept(community, type, payload, null);
    }
}
