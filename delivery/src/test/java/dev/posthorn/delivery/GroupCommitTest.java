package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.store.StoredEvent;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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

    @Test
    void a_key_that_an_open_transaction_holds_keeps_nobody_else_waiting() throws Exception {
        try (DeliveryEngine engine = world.engine().build();
                var callers = Executors.newVirtualThreadPerTaskExecutor();
                Connection application = world.database.superuser()) {
            application.setAutoCommit(false);
            UUID first;
            try (Statement statement = application.createStatement();
                    ResultSet row = statement.executeQuery("SELECT event_id FROM posthorn.queue_webhook('" + community
                            + "', 'payment.received', '{}', 'held')")) {
                row.next();
                first = row.getObject(1, UUID.class);
            }
            List<Future<List<StoredEvent>>> held = new ArrayList<>();
            List<Future<List<StoredEvent>>> others = new ArrayList<>();
            for (int caller = 0; caller < 30; caller++) {
                held.add(callers.submit(
                        () -> engine.queue(List.of(new AcceptedEvent(community, "payment.received", "{}", "held")))));
                String own = "own-" + caller;
                others.add(callers.submit(
                        () -> engine.queue(List.of(new AcceptedEvent(community, "payment.received", "{}", own)))));
                others.add(callers.submit(() -> engine.queue(List.of(event("payment.received", "{}")))));
            }
            for (Future<List<StoredEvent>> answer : others) {
                assertThat(answer.get(30, TimeUnit.SECONDS)).singleElement().isInstanceOf(StoredEvent.Queued.class);
            }
            for (Future<List<StoredEvent>> answer : held) {
                assertThat(answer.get(30, TimeUnit.SECONDS))
                        .singleElement()
                        .isInstanceOfSatisfying(StoredEvent.Refused.class, refused -> {
                            assertThat(refused.code()).isEqualTo("55P03");
                            assertThat(refused.message()).contains("repeat the request with the same key");
                        });
            }
            application.commit();
            assertThat(engine.queue(List.of(new AcceptedEvent(community, "payment.received", "{}", "held"))))
                    .singleElement()
                    .isInstanceOfSatisfying(StoredEvent.Queued.class, repeated -> {
                        assertThat(repeated.eventId()).isEqualTo(first);
                        assertThat(repeated.duplicate()).isTrue();
                    });
        }
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
