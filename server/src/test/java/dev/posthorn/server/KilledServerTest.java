package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Received;
import dev.posthorn.vault.MasterKeyset;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** kill -9 of the server with deliveries in flight: every event arrives, twice only what was in flight. */
class KilledServerTest {
    private static final int ENDPOINTS = 4;
    private static final int IN_FLIGHT = 8;
    private static final int EVENTS = 200;
    private final String masterKey = MasterKeyset.generate().encoded();

    @Test
    void a_killed_server_loses_nothing() throws Exception {
        rounds(1);
    }

    @Test
    @Tag("full")
    void a_server_that_is_killed_twenty_times_loses_nothing() throws Exception {
        rounds(20);
    }

    private void rounds(int rounds) throws Exception {
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
                TestReceiver receiver = TestReceiver.start()) {
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.webhook_endpoints (community_id, url, max_in_flight) SELECT id, '"
                    + receiver.url("/")
                    + "' || n, " + IN_FLIGHT + " FROM posthorn.communities, generate_series(1, " + ENDPOINTS
                    + ") AS n");
            Set<String> expected = new HashSet<>();
            int duplicates = 0;
            for (int round = 1; round <= rounds; round++) {
                duplicates += round(database, receiver, expected, round);
            }
            Set<String> arrived = ids(receiver.received());
            System.out.printf(
                    "%d rounds: %d deliveries queued, %d arrived, %d lost, %d duplicates%n",
                    rounds, expected.size(), arrived.size(), expected.size() - arrived.size(), duplicates);
            assertThat(arrived).isEqualTo(expected);
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    /** Queues, kills in the middle, starts again and waits for the rest; returns how many arrived twice. */
    private int round(TestDatabase database, TestReceiver receiver, Set<String> expected, int round) throws Exception {
        int before = receiver.received().size();
        CountDownLatch killed = new CountDownLatch(1);
        int letThrough = before + 20 * round;
        receiver.answer(request -> {
            if (receiver.received().size() > letThrough) {
                // What is in flight now stays so until the server is dead.
                awaitQuietly(killed);
            }
            return TestReceiver.Answer.of(200);
        });
        try (ServerProcess server = serve(database)) {
            server.awaitLine("ready", Duration.ofSeconds(60));
            database.administrate(
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                            + " to_jsonb(n)) FROM generate_series(1, " + EVENTS + ") AS n");
            receiver.await(letThrough + 1, Duration.ofSeconds(60));
            server.kill();
        } finally {
            receiver.answer(request -> TestReceiver.Answer.of(200));
            killed.countDown();
        }
        database.query("SELECT id FROM posthorn.webhook_deliveries")
                .forEach(row -> expected.add(String.valueOf(row.get(0))));
        try (ServerProcess server = serve(database)) {
            server.awaitLine("ready", Duration.ofSeconds(60));
            // Not until all has arrived: what arrived at the killed server is still leased to it, and is sent again
            // when that ends.
            int waited = 0;
            while (!undelivered(database).equals("0") && waited++ < 300) {
                new CountDownLatch(1).await(100, TimeUnit.MILLISECONDS);
            }
        }
        assertThat(undelivered(database)).as("round " + round).isEqualTo("0");
        assertThat(ids(receiver.received())).as("round " + round).isEqualTo(expected);
        int duplicates = receiver.received().size() - before - EVENTS * ENDPOINTS;
        // In flight, or answered and not yet recorded, when it was killed.
        assertThat(duplicates).isBetween(0, 2 * ENDPOINTS * IN_FLIGHT);
        return duplicates;
    }

    private static String undelivered(TestDatabase database) {
        return database.one("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'");
    }

    private ServerProcess serve(TestDatabase database) throws Exception {
        return ServerProcess.serve(database, Map.of("POSTHORN_MASTER_KEY", masterKey));
    }

    private static Set<String> ids(List<Received> requests) {
        return requests.stream()
                .map(request -> request.header("posthorn-delivery-id"))
                .collect(Collectors.toSet());
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
