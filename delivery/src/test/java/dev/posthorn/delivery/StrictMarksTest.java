package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What holds the mark of an ordered lane back: all that may come back to a place of its own. */
class StrictMarksTest {
    private final EngineFixture world = new EngineFixture();
    private String endpoint = "";

    @BeforeEach
    void create() {
        endpoint = world.endpoint("/hook", ", ordering, on_dead_letter, max_attempts", ", 'endpoint', 'hold', 2");
    }

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void a_retry_that_waits() throws Exception {
        answer(500);
        queueAndSend(3);
        assertThat(world.status(endpoint)).isEqualTo("pending:2 retrying:1");
        assertThat(head(0, true)).isEqualTo("1");
        assertThat(head(0, false)).as("the first one that stands there").isEqualTo(position("ready"));
        answer(200);
        world.database.advanceClock(Duration.ofHours(1));
        send();
        assertThat(world.status(endpoint)).isEqualTo("delivered:3");
        assertThat(head(0, true)).isEqualTo("nothing");
    }

    @Test
    void one_that_is_parked() throws Exception {
        queueOnly(3);
        world.database.query("SET ROLE posthorn_service; SELECT posthorn.disable_webhook_endpoint('" + endpoint + "')");
        assertThat(head(0, true)).isEqualTo("1");
        assertThat(head(0, false)).isEqualTo("nothing");
        world.database.query("SET ROLE posthorn_service; SELECT posthorn.enable_webhook_endpoint('" + endpoint + "')");
        assertThat(head(0, true)).isEqualTo(position("ready"));
    }

    @Test
    void a_dead_letter_that_its_lane_waits_for() throws Exception {
        answer(500);
        queueAndSend(3);
        world.database.advanceClock(Duration.ofHours(1));
        send();
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:1 pending:2");
        assertThat(head(0, true)).isEqualTo("1");
        set("pass");
        assertThat(head(0, true)).as("the lane may be told to hold again").isEqualTo("1");
        set("hold");
        answer(200);
        send();
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:1 pending:2");
        set("pass");
        send();
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:1 delivered:2");
    }

    @Test
    void but_no_dead_letter_that_the_lane_has_passed() throws Exception {
        set("pass");
        answer(500);
        queueAndSend(1);
        world.database.advanceClock(Duration.ofHours(1));
        send();
        queueOnly(2);
        assertThat(world.status(endpoint)).isEqualTo("dead_letter:1 pending:2");
        assertThat(head(0, true)).isEqualTo(position("ready"));
        set("hold");
        assertThat(head(0, true)).isEqualTo(position("ready"));
        answer(200);
        send();
        assertThat(world.status(endpoint)).as("nor does the lane wait for it").isEqualTo("dead_letter:1 delivered:2");
        queueOnly(1);
        String last = position("ready");
        world.database.query(
                "SET ROLE posthorn_service; SELECT posthorn.retry_dead_letter(id) FROM posthorn.webhook_deliveries"
                        + " WHERE status = 'dead_letter'");
        assertThat(position("ready")).as("sent anew it goes to the end").isEqualTo(last);
        send();
        assertThat(world.status(endpoint)).isEqualTo("delivered:4");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_retry_is_told_with_its_place() throws Exception {
        answer(500);
        queueAndSend(3);
        String place = position("waiting");
        world.database.advanceClock(Duration.ofHours(1));
        assertThat(
                        world.database.query(
                                "SELECT place FROM posthorn.discover_webhook_lanes('ffffffff-ffff-7fff-bfff-ffffffffffff', '-infinity')"))
                .containsExactly(List.of(place));
    }

    @Test
    void a_node_claims_from_its_mark_as_long_as_the_epoch_lasts() throws Exception {
        noteClaims();
        try (DeliveryEngine engine = world.engine().build()) {
            engine.start();
            assertThat(queueUntilClaimed("marks[1] > 0")).isEqualTo(List.of("true", "true"));
            // As if PostgreSQL had crashed, after which the table is empty.
            world.database.administrate("TRUNCATE posthorn.queue_epoch");
            assertThat(queueUntilClaimed("epoch = (SELECT id FROM posthorn.queue_epoch)"))
                    .isEqualTo(List.of("true", "true"));
            assertThat(world.database.one(
                            "SELECT min(marks[1]) FROM claims WHERE epoch = (SELECT id FROM posthorn.queue_epoch)"))
                    .isEqualTo("0");
            assertThat(queueUntilClaimed("marks[1] > 0 AND epoch = (SELECT id FROM posthorn.queue_epoch)"))
                    .isEqualTo(List.of("true", "true"));
        }
        assertThat(world.invariants()).isEmpty();
    }

    /** From now on each claim leaves a row with what it was asked. */
    private void noteClaims() {
        world.database.administrate("""
                CREATE TABLE claims (at timestamptz NOT NULL DEFAULT clock_timestamp(), marks bigint[], strict boolean[], epoch uuid);
                DO $$
                DECLARE
                    claim     constant oid  := (SELECT oid FROM pg_proc WHERE proname = 'claim_webhook_deliveries');
                    arguments constant text := pg_get_function_arguments(claim);
                    result    constant text := pg_get_function_result(claim);
                BEGIN
                    ALTER FUNCTION posthorn.claim_webhook_deliveries RENAME TO claim_unnoted;
                    EXECUTE format($create$
                        CREATE FUNCTION posthorn.claim_webhook_deliveries(%s) RETURNS %s LANGUAGE plpgsql SECURITY DEFINER AS
                        'BEGIN
                            INSERT INTO public.claims (marks, strict, epoch) VALUES ($5, $6, $7);
                            RETURN QUERY SELECT * FROM posthorn.claim_unnoted($1, $2, $3, $4, $5, $6, $7, $8, $9);
                         END'$create$, arguments, result);
                    GRANT EXECUTE ON FUNCTION posthorn.claim_webhook_deliveries TO posthorn_service;
                END
                $$;
                """);
    }

    /** Queues one after the other until a claim is seen of which that is true; whether its mark is strict and its epoch the present one. */
    private List<@Nullable String> queueUntilClaimed(String condition) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        while (true) {
            queueOnly(1);
            List<List<@Nullable String>> seen = world.database.query(
                    "SELECT strict[1]::text, (epoch = (SELECT id FROM posthorn.queue_epoch))::text FROM claims WHERE "
                            + condition + " ORDER BY at LIMIT 1");
            if (!seen.isEmpty()) {
                return seen.getFirst();
            }
            assertThat(System.nanoTime()).as("no claim with " + condition).isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(50);
        }
    }

    private void set(String onDeadLetter) {
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET on_dead_letter = '" + onDeadLetter + "'");
    }

    private String head(long mark, boolean strict) throws Exception {
        return world.database.one("""
                SELECT coalesce(heads[1]::text, 'nothing')
                FROM posthorn.observe_webhook_lanes(ARRAY['%s'::uuid], ARRAY[%d::bigint], ARRAY[%s])
                """.formatted(endpoint, mark, strict));
    }

    private String position(String stage) {
        return world.database.one(
                "SELECT min(position) FROM posthorn.webhook_deliveries WHERE stage = '" + stage + "'");
    }

    private void answer(int status) {
        world.receiver.answer(request -> Answer.of(status));
    }

    private void queueAndSend(int count) throws Exception {
        queueOnly(count);
        send();
    }

    private void queueOnly(int count) {
        for (int i = 0; i < count; i++) {
            world.queue("payment.received", "{}");
        }
    }

    private void send() throws Exception {
        try (DeliveryEngine engine = world.engine().build()) {
            engine.runDueOnce();
        }
    }
}
