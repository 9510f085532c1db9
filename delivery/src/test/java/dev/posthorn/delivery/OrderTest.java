package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Endpoints that ask for one after the other, and for no more than so many a second. */
class OrderTest {
    private static final Pattern NUMBER = Pattern.compile("\"n\": (\\d+)");
    private static final Pattern ACCOUNT = Pattern.compile("\"account\": (\\d+)");

    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void an_ordered_endpoint_gets_one_after_the_other_and_retries_before_it_goes_on() throws Exception {
        String ordered = world.endpoint("/ordered", ", ordering, retry_schedule", ", 'endpoint', '{0 seconds}'");
        world.endpoint("/other");
        Map<Integer, Integer> attempts = new ConcurrentHashMap<>();
        // Each seventh one fails twice.
        world.receiver.answer(request -> {
            int n = number(NUMBER, request);
            boolean fails = request.path().equals("/ordered") && n % 7 == 0 && attempts.merge(n, 1, Integer::sum) <= 2;
            return Answer.of(fails ? 500 : 200);
        });
        try (DeliveryEngine one = world.engine().build();
                DeliveryEngine two = world.engine().build()) {
            one.start();
            two.start();
            queue(1, 60);
            world.awaitStatus(ordered, "delivered:60");
        }
        List<Integer> expected = IntStream.rangeClosed(1, 60)
                .boxed()
                .flatMap(n -> n % 7 == 0 ? List.of(n, n, n).stream() : List.of(n).stream())
                .toList();
        assertThat(arrived("/ordered")).isEqualTo(expected);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_key_of_the_payload_orders_its_own_deliveries_and_holds_no_others_back() throws Exception {
        String endpoint =
                world.endpoint("/hook", ", ordering, ordering_key, retry_schedule", ", 'key', '$.account', '{1 hour}'");
        world.receiver.answer(request -> Answer.of(number(ACCOUNT, request) == 3 ? 500 : 200));
        try (DeliveryEngine engine = world.engine().build()) {
            queue(1, 50);
            engine.runDueOnce();
            assertThat(world.status(endpoint)).isEqualTo("delivered:40 pending:9 retrying:1");
            Map<Integer, List<Integer>> byAccount = world.receiver.received().stream()
                    .collect(Collectors.groupingBy(
                            request -> number(ACCOUNT, request),
                            TreeMap::new,
                            Collectors.mapping(request -> number(NUMBER, request), Collectors.toList())));
            assertThat(byAccount.get(3)).containsExactly(3);
            for (int account : List.of(0, 1, 2, 4)) {
                assertThat(byAccount.get(account)).hasSize(10).isSorted();
            }
            world.receiver.answer(request -> Answer.of(200));
            world.database.advanceClock(Duration.ofHours(2));
            assertThat(engine.runDueOnce()).isEqualTo(10);
            assertThat(arrived("/hook").subList(41, 51)).containsExactly(3, 8, 13, 18, 23, 28, 33, 38, 43, 48);
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void after_a_dead_letter_an_ordered_lane_goes_on_or_holds_as_its_owner_wishes() throws Exception {
        String passes = world.endpoint("/passes", ", ordering, max_attempts", ", 'endpoint', 1");
        String holds = world.endpoint("/holds", ", ordering, max_attempts, on_dead_letter", ", 'endpoint', 1, 'hold'");
        world.receiver.answer(request -> Answer.of(number(NUMBER, request) == 2 ? 500 : 200));
        try (DeliveryEngine engine = world.engine().build()) {
            queue(1, 4);
            engine.runDueOnce();
            assertThat(world.status(passes)).isEqualTo("dead_letter:1 delivered:3");
            assertThat(world.status(holds)).isEqualTo("dead_letter:1 delivered:1 pending:2");

            world.receiver.answer(request -> Answer.of(200));
            world.database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.retry_dead_letter(id) FROM posthorn.webhook_deliveries"
                            + " WHERE status = 'dead_letter' ORDER BY id");
            engine.runDueOnce();
            assertThat(world.status(passes)).isEqualTo("delivered:4");
            assertThat(world.status(holds)).isEqualTo("delivered:4");
            assertThat(arrived("/holds")).containsExactly(1, 2, 2, 3, 4);
            assertThat(arrived("/passes")).as("redelivered ones go to the end").containsExactly(1, 2, 3, 4, 2);

            world.receiver.answer(request -> Answer.of(500));
            queue(5, 6);
            engine.runDueOnce();
            assertThat(world.status(holds)).isEqualTo("dead_letter:1 delivered:4 pending:1");
            world.receiver.answer(request -> Answer.of(200));
            world.database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.cancel_webhook_delivery(id) FROM posthorn.webhook_deliveries"
                            + " WHERE status = 'dead_letter' AND endpoint_id = '" + holds + "'");
            engine.runDueOnce();
            assertThat(world.status(holds)).as("cancelling lets it go on").isEqualTo("delivered:5 failed:1");
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void what_an_ordered_endpoint_missed_while_it_was_disabled_comes_back_in_order() throws Exception {
        String endpoint = world.endpoint("/hook", ", ordering, retry_schedule", ", 'endpoint', '{0 seconds}'");
        world.receiver.answer(request -> Answer.of(number(NUMBER, request) < 3 ? 200 : 500));
        try (DeliveryEngine engine = world.engine().build()) {
            queue(1, 20);
            while (engine.runDueOnce() > 0) {
                // Until the circuit opens.
            }
            queue(21, 25);
            assertThat(world.database.one(
                            "SELECT circuit FROM posthorn.webhook_endpoint_status WHERE id = '" + endpoint + "'"))
                    .isEqualTo("open");
            world.receiver.answer(request -> Answer.of(200));
            int before = world.receiver.received().size();
            world.database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.enable_webhook_endpoint('" + endpoint + "')");
            engine.runDueOnce();
            assertThat(arrived("/hook")
                            .subList(before, world.receiver.received().size()))
                    .isSorted()
                    .endsWith(21, 22, 23, 24, 25);
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_rate_limit_holds_over_two_nodes() throws Exception {
        String limited = world.endpoint("/hook", ", rate_limit", ", 50");
        try (DeliveryEngine one = world.engine().build();
                DeliveryEngine two = world.engine().build()) {
            one.start();
            two.start();
            queue(1, 200);
            world.awaitStatus(limited, "delivered:200");
            // 200 at 50 a second, of which five may come at once; a slow machine only makes it longer.
            double seconds = Double.parseDouble(world.database.one(
                    "SELECT extract(epoch FROM max(ended_at) - max(created_at)) FROM posthorn.webhook_deliveries"));
            assertThat(seconds).isBetween(3.9, 30.0);
        }
    }

    @Test
    void a_transaction_that_stays_open_for_long_is_delivered_after_its_commit() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build();
                var connection = world.database.superuser();
                var statement = connection.createStatement()) {
            engine.start();
            connection.setAutoCommit(false);
            statement.execute("SET ROLE posthorn_service;"
                    + " SELECT posthorn.queue_webhook('ext:acme', 'payment.received', '{\"n\": 0, \"account\": 0}')");
            // Meanwhile others pass it by, and time.
            for (int round = 0; round < 6; round++) {
                queue(round * 50 + 1, round * 50 + 50);
                world.receiver.await(round * 50 + 50, Duration.ofSeconds(20));
                statement.execute("SELECT pg_sleep(0.5)");
            }
            connection.commit();
            world.receiver.await(301, Duration.ofSeconds(60));
            world.awaitStatus(endpoint, "delivered:301");
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void what_is_committed_late_keeps_its_place_in_an_ordered_lane_however_much_has_passed() throws Exception {
        String ordered = world.endpoint("/hook", ", ordering", ", 'endpoint'");
        try (DeliveryEngine engine = world.engine().build();
                var holder = world.database.superuser();
                var connection = world.database.superuser();
                var statement = connection.createStatement()) {
            engine.start();
            queue(1, 10);
            world.awaitStatus(ordered, "delivered:10");
            // Which would find what the mark has passed.
            world.hangSweeps(holder);
            connection.setAutoCommit(false);
            statement.execute("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                    + " jsonb_build_object('n', n, 'account', 0)) FROM generate_series(101, 120) AS n");
            for (int passed = 1; passed <= 5; passed++) {
                // Others have queued more than a node waits for where there is no order.
                world.database.administrate(
                        "SELECT setval('posthorn.webhook_delivery_position', last_value + 30000) FROM posthorn.webhook_delivery_position");
                queue(10 + passed, 10 + passed);
                world.awaitStatus(ordered, "delivered:" + (10 + passed));
                // Long enough for the node to look how far it is.
                world.database.query("SELECT pg_sleep(0.3)");
            }
            connection.commit();
            queue(121, 140);
            world.awaitStatus(ordered, "delivered:55");
            world.letSweepsGo(holder);
        }
        assertThat(arrived("/hook").subList(15, 55)).isSorted().startsWith(101).endsWith(140);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void what_was_parked_comes_back_before_what_is_queued_anew() throws Exception {
        String endpoint = world.endpoint("/hook", ", ordering, ordering_key", ", 'key', '$.account'");
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET enabled = true");
        world.database.administrate(
                "UPDATE posthorn.webhook_endpoint_health SET disabled_at = now(), disabled_reason = 'auto'");
        queue(1, 1500);
        assertThat(world.status(endpoint)).isEqualTo("parked pending:1500");
        try (DeliveryEngine engine = world.engine().build()) {
            world.database.administrate(
                    "BEGIN; SET LOCAL ROLE posthorn_service; SELECT posthorn.enable_webhook_endpoint('"
                            + endpoint + "'); SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                            + " jsonb_build_object('n', n, 'account', n % 5)) FROM generate_series(1501, 1510) AS n; COMMIT");
            engine.start();
            world.awaitStatus(endpoint, "delivered:1510");
        }
        for (int account = 0; account < 5; account++) {
            int wanted = account;
            assertThat(world.receiver.received().stream()
                            .filter(request -> number(ACCOUNT, request) == wanted)
                            .map(request -> number(NUMBER, request)))
                    .hasSize(302)
                    .isSorted();
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void an_order_that_is_asked_for_later_holds_for_what_is_queued_then() throws Exception {
        String endpoint = world.endpoint("/hook");
        queue(1, 5);
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET ordering = 'endpoint'");
        queue(6, 20);
        Most most = new Most();
        world.receiver.answer(request -> {
            if (number(NUMBER, request) > 5) {
                most.begin();
            }
            pause();
            if (number(NUMBER, request) > 5) {
                most.end();
            }
            return Answer.of(200);
        });
        try (DeliveryEngine engine = world.engine().build()) {
            engine.start();
            world.awaitStatus(endpoint, "delivered:20");
        }
        assertThat(most.value).isEqualTo(1);
        assertThat(arrived("/hook").subList(5, 20)).isSorted().startsWith(6);
    }

    @Test
    void a_late_commit_brings_no_more_under_way_than_the_endpoint_allows() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 2");
        Most most = new Most();
        CountDownLatch release = new CountDownLatch(1);
        world.receiver.answer(request -> {
            most.begin();
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            most.end();
            return Answer.of(200);
        });
        try (DeliveryEngine engine = world.engine().build();
                var connection = world.database.superuser();
                var statement = connection.createStatement()) {
            engine.start();
            connection.setAutoCommit(false);
            statement.execute("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                    + " '{\"n\": 0, \"account\": 0}') FROM generate_series(1, 10)");
            queue(1, 10);
            world.receiver.await(2, Duration.ofSeconds(20));
            connection.commit();
            // Long enough for a look everywhere.
            statement.execute("SELECT pg_sleep(2.5)");
            assertThat(world.receiver.received()).hasSize(2);
            release.countDown();
            world.awaitStatus(endpoint, "delivered:20");
        }
        assertThat(most.value).isEqualTo(2);
    }

    @Test
    void what_is_committed_to_a_key_after_its_endpoint_was_deleted_ends_as_failed() throws Exception {
        String endpoint = world.endpoint("/hook", ", ordering, ordering_key", ", 'key', '$.account'");
        try (DeliveryEngine engine = world.engine().build();
                var connection = world.database.superuser();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                    + " '{\"n\": 0, \"account\": 0}')");
            world.database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.delete_webhook_endpoint('" + endpoint + "')");
            connection.commit();
            assertThat(engine.runDueOnce()).isZero();
        }
        assertThat(world.status(endpoint)).isEqualTo("failed:1");
    }

    /** How many were under way at once at most. */
    private static final class Most {
        private int now;
        private int value;

        synchronized void begin() {
            value = Math.max(value, ++now);
        }

        synchronized void end() {
            now--;
        }
    }

    private static void pause() {
        try {
            new CountDownLatch(1).await(20, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void queue(int from, int to) {
        world.database.administrate(
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                        + " jsonb_build_object('n', n, 'account', n % 5)) FROM generate_series(" + from + ", " + to
                        + ") AS n");
    }

    private List<Integer> arrived(String path) {
        return world.receiver.received().stream()
                .filter(request -> request.path().equals(path))
                .map(request -> number(NUMBER, request))
                .toList();
    }

    private static int number(Pattern pattern, Received request) {
        Matcher matcher = pattern.matcher(new String(request.body(), StandardCharsets.UTF_8));
        assertThat(matcher.find()).isTrue();
        return Integer.parseInt(matcher.group(1));
    }
}
