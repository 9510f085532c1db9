package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.vault.MasterKeyset;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** kill -9 of the server in the middle of a run: in the end the records are those of the source, each counted and told once. */
class KilledSyncTest {
    private static final int PAGE = 50;
    private static final int PAGES = 12;
    private final String masterKey = MasterKeyset.generate().encoded();
    /** Pages that may still be served before the next kill; negative: all. */
    private final AtomicInteger allowed = new AtomicInteger(-1);

    private volatile CountDownLatch stuck = new CountDownLatch(1);

    @Test
    void a_run_whose_server_is_killed_goes_on_where_it_stood() throws Exception {
        rounds(1);
    }

    @Test
    @Tag("full")
    void a_run_whose_servers_are_killed_twenty_times_ends_with_the_records_of_the_source() throws Exception {
        rounds(20);
    }

    private void rounds(int kills) throws Exception {
        HttpServer source = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        try (TestDatabase database = TestDatabase.create(empty -> new Migrator(empty).migrate());
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            source.setExecutor(threads);
            source.createContext("/things", exchange -> {
                if (allowed.get() == 0) {
                    stuck.countDown();
                    // Until the server that asks is dead.
                    awaitTheKill();
                    exchange.close();
                    return;
                }
                allowed.updateAndGet(left -> left > 0 ? left - 1 : left);
                byte[] page = page(exchange.getRequestURI().getQuery()).getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                exchange.sendResponseHeaders(200, page.length);
                exchange.getResponseBody().write(page);
                exchange.close();
            });
            source.start();
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.integration_configs (community_id, name, connector, config)"
                    + " SELECT id, 'Things', 'http-json', '{\"url\": \"http://127.0.0.1:"
                    + source.getAddress().getPort()
                    + "/things\", \"records\": {\"at\": \"/items\", \"type\": \"thing\"},"
                    + " \"pagination\": {\"type\": \"cursor\", \"next_at\": \"/next\", \"to\": {\"query\": \"after\"}}}'"
                    + " FROM posthorn.communities");
            database.setClock(Instant.now());
            int left = kills;
            for (int run = 1; left > 0; run++) {
                database.administrate("SELECT posthorn.start_sync_run(id) FROM posthorn.integration_configs");
                // Five lost nodes would end a run.
                for (int kill = 1; kill <= 4 && left > 0; kill++, left--) {
                    killInTheMiddle(database);
                }
                finish(database, run);
            }
        } finally {
            source.stop(0);
        }
    }

    private void killInTheMiddle(TestDatabase database) throws Exception {
        stuck = new CountDownLatch(1);
        allowed.set(2);
        try (ServerProcess server = serve(database)) {
            assertThat(stuck.await(120, TimeUnit.SECONDS)).isTrue();
            server.kill();
        } finally {
            allowed.set(-1);
        }
        // Longer than a silent node keeps its runs.
        database.advanceClock(Duration.ofSeconds(16));
    }

    private void finish(TestDatabase database, int run) throws Exception {
        try (ServerProcess server = serve(database)) {
            server.awaitLine("ready", Duration.ofSeconds(60));
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            while (!database.query("SELECT id FROM posthorn.integration_sync_logs WHERE ended_at IS NULL")
                    .isEmpty()) {
                assertThat(System.nanoTime()).as(server.output()).isLessThan(end);
                LockSupport.parkNanos(100_000_000);
            }
        }
        assertThat(database.one("SELECT string_agg(status, ' ') FROM posthorn.integration_sync_logs"))
                .isEqualTo(IntStream.range(0, run).mapToObj(i -> "completed").collect(Collectors.joining(" ")));
        assertThat(
                        database.one(
                                "SELECT concat_ws(' ', sum(records_read), sum(records_created), sum(records_updated),"
                                        + " sum(records_unchanged), sum(records_deleted), sum(records_rejected)) FROM posthorn.integration_sync_logs"))
                .isEqualTo(PAGE * PAGES * run + " " + PAGE * PAGES + " 0 " + PAGE * PAGES * (run - 1) + " 0 0");
        assertThat(database.one(
                        "SELECT concat_ws(' ', count(*), count(DISTINCT external_id), min(external_id::int), max(external_id::int))"
                                + " FROM posthorn.integration_records WHERE deleted_at IS NULL"))
                .isEqualTo(PAGE * PAGES + " " + PAGE * PAGES + " 1 " + PAGE * PAGES);
        assertThat(database.one(
                        "SELECT count(*) FROM posthorn.webhook_events WHERE event_type = 'integration.record.created'"))
                .isEqualTo(String.valueOf(PAGE * PAGES));
        assertThat(database.one("SELECT cursor IS NULL FROM posthorn.integration_checkpoints"))
                .isEqualTo("t");
    }

    private static String page(String query) {
        int after = query == null ? 0 : Integer.parseInt(query.replaceAll(".*after=([0-9]+).*", "$1"));
        String items = IntStream.rangeClosed(after + 1, after + PAGE)
                .mapToObj(id -> "{\"id\": " + id + ", \"name\": \"thing " + id + "\"}")
                .collect(Collectors.joining(","));
        int last = after + PAGE;
        return "{\"items\": [" + items + "], \"next\": " + (last == PAGE * PAGES ? "null" : "\"" + last + "\"") + "}";
    }

    private void awaitTheKill() {
        while (allowed.get() == 0) {
            LockSupport.parkNanos(20_000_000);
        }
    }

    private ServerProcess serve(TestDatabase database) throws Exception {
        return ServerProcess.serve(database, Map.of("POSTHORN_MASTER_KEY", masterKey));
    }
}
