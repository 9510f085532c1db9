package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Somebody has changed an endpoint in a transaction that stays open: nobody but that endpoint waits for it. */
@Timeout(300)
class LockedEndpointTest {
    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void results_of_others_are_recorded_and_its_own_once_it_is_free() throws Exception {
        String locked = world.endpoint("/locked", ", event_types", ", '{both}'");
        String free = world.endpoint("/free");
        try (DeliveryEngine engine = world.engine().build();
                Connection owner = world.database.superuser()) {
            engine.start();
            world.queue("both", "{}");
            world.awaitStatus(locked, "delivered:1");
            world.awaitStatus(free, "delivered:1");
            // A success moves the endpoint's row, and so has to wait for it.
            world.database.administrate("UPDATE posthorn.webhook_endpoint_health SET last_success_at = NULL");
            owner.setAutoCommit(false);
            TestDatabase.query(owner, "SELECT posthorn.disable_webhook_endpoint('" + locked + "')::text");
            for (int i = 0; i < 3; i++) {
                world.queue("both", "{}");
            }
            world.awaitStatus(free, "delivered:4");
            world.receiver.await(8, Duration.ofMinutes(1));
            assertThat(world.status(locked)).isEqualTo("delivered:1 sending:3");
            world.queue("free", "{}");
            world.awaitStatus(free, "delivered:5");
            owner.rollback();
            world.awaitStatus(locked, "delivered:4");
        }
        assertThat(world.receiver.received()).as("nothing was sent twice").hasSize(9);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void they_take_no_slots_from_others_nor_time_of_a_stop() throws Exception {
        String locked = world.endpoint("/locked", ", event_types, max_in_flight", ", '{locked}', 8");
        String free = world.endpoint("/free", ", event_types", ", '{free}'");
        try (Connection owner = world.database.superuser()) {
            try (DeliveryEngine engine = world.engine().maxInFlight(8).build()) {
                engine.start();
                world.queue("free", "{}");
                world.awaitStatus(free, "delivered:1");
                world.database.administrate("UPDATE posthorn.webhook_endpoint_health SET secret_version = 1");
                owner.setAutoCommit(false);
                TestDatabase.query(
                        owner,
                        "SELECT endpoint_id FROM posthorn.webhook_endpoint_health WHERE endpoint_id = '" + locked
                                + "' FOR UPDATE");
                for (int i = 0; i < 8; i++) {
                    world.queue("locked", "{}");
                }
                world.receiver.await(9, Duration.ofMinutes(1));
                world.queue("free", "{}");
                world.awaitStatus(free, "delivered:2");
                assertThat(world.status(locked)).isEqualTo("sending:8");
            }
            assertThat(world.status(locked)).as("given back at once").isEqualTo("pending:8");
        }
    }

    @Test
    void upkeep_goes_on_and_does_for_it_what_it_has_to_once_it_is_free() throws Exception {
        String locked = world.endpoint("/locked");
        world.queue("any", "{}");
        world.database.administrate("""
                UPDATE posthorn.webhook_endpoint_health SET disabled_at = now(), disabled_reason = 'manual', parking = true;
                INSERT INTO posthorn.webhook_filter_errors (community_id, endpoint_id) SELECT community_id, id FROM posthorn.webhook_endpoints
                """);
        try (Connection owner = world.database.superuser()) {
            owner.setAutoCommit(false);
            TestDatabase.query(owner, "SELECT endpoint_id FROM posthorn.webhook_endpoint_health FOR UPDATE");
            assertThat(world.database.query("SELECT task FROM posthorn.maintain()"))
                    .isNotEmpty();
            assertThat(world.status(locked)).isEqualTo("pending:1");
            owner.rollback();
        }
        world.database.query("SELECT posthorn.maintain()");
        assertThat(world.status(locked)).isEqualTo("parked pending:1");
        assertThat(world.database.one("SELECT filter_errors FROM posthorn.webhook_endpoint_health"))
                .isEqualTo("1");
    }

    @Test
    void a_node_does_not_ask_without_a_pause_for_a_retry_that_is_due_and_locked() throws Exception {
        String endpoint = world.endpoint("/hook", ", retry_schedule", ", '{1 second}'");
        world.receiver.answer(request -> Answer.of(500));
        try (DeliveryEngine engine = world.engine().build();
                Connection owner = world.database.superuser()) {
            engine.start();
            world.queue("any", "{}");
            world.awaitStatus(endpoint, "retrying:1");
            world.receiver.answer(request -> Answer.of(200));
            owner.setAutoCommit(false);
            TestDatabase.query(owner, "SELECT id FROM posthorn.webhook_deliveries WHERE stage = 'waiting' FOR UPDATE");
            world.database.await(
                    "SELECT posthorn.next_webhook_due() < posthorn.clock_now() - interval '2 seconds'", "t");
            long before = commits();
            world.database.query("SELECT pg_sleep(4)");
            assertThat(commits() - before)
                    .as("transactions of four seconds; without a pause they would be some thousands")
                    .isLessThan(500);
            owner.rollback();
            world.awaitStatus(endpoint, "delivered:1");
        }
    }

    private long commits() {
        return Long.parseLong(
                world.database.one("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"));
    }
}
