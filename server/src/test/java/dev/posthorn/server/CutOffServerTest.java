package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestNameServer;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server under load whose machine loses its name service, or its routes. Real ones, therefore root on Linux: a mount namespace with another
 * {@code /etc/resolv.conf}, a name server on port 53 of a loopback address, routes that lead nowhere.
 */
@Tag("alone")
class CutOffServerTest {
    private static final String NAMES = "127.0.53.8";
    private static final String RECEIVERS = "127.0.53.9";
    private static final int ENDPOINTS = 12;
    /** What a control of routes asks for, and the receivers. */
    private static final List<List<String>> ROUTES = List.of(
            List.of("unreachable", RECEIVERS + "/32", "table", "local"),
            List.of("unreachable", "198.41.0.4/32"),
            List.of("unreachable", "2001:503:ba3e::2:30/128"));

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    private TestNameServer names;
    private TestReceiver receiver;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        assumeTrue(
                run(List.of("unshare", "--mount", "true")) && run(List.of("ip", "route")),
                "needs Linux, root, unshare and ip");
        try {
            names = TestNameServer.start(new InetSocketAddress(NAMES, 53));
        } catch (SocketException e) {
            assumeTrue(false, "needs port 53 of " + NAMES + ": " + e.getMessage());
            throw e;
        }
        receiver = TestReceiver.start(RECEIVERS);
        // With connections that stay, hardly a name would be asked for.
        receiver.answer(request -> new TestReceiver.Answer(200, Map.of("connection", "close"), new byte[0]));
        for (int i = 1; i <= ENDPOINTS; i++) {
            names.name("receiver" + i + ".example.com", RECEIVERS);
        }
    }

    @AfterEach
    void close() throws IOException, InterruptedException {
        route("del");
        if (names != null) {
            names.close();
        }
        if (receiver != null) {
            receiver.close();
        }
    }

    @Test
    void ten_seconds_without_a_name_service_cost_nothing() throws Exception {
        cutNames(Duration.ofSeconds(10));
    }

    @Test
    void ten_seconds_without_a_route_cost_nothing() throws Exception {
        cutRoute(Duration.ofSeconds(10));
    }

    @Test
    @Tag("soak")
    void five_minutes_without_a_name_service_cost_nothing() throws Exception {
        cutNames(Duration.ofMinutes(5));
    }

    @Test
    @Tag("soak")
    void five_minutes_without_a_route_cost_nothing() throws Exception {
        cutRoute(Duration.ofMinutes(5));
    }

    private void cutNames(Duration time) throws Exception {
        underLoad(
                time,
                () -> names.be(TestNameServer.State.SILENT),
                () -> names.be(TestNameServer.State.ANSWERING),
                "name_service",
                "the name service does not answer");
    }

    private void cutRoute(Duration time) throws Exception {
        underLoad(time, () -> route("add"), () -> route("del"), "no_route", "this machine has no route");
    }

    @FunctionalInterface
    private interface Step {
        void run() throws Exception;
    }

    private void underLoad(Duration time, Step cut, Step mend, String errorClass, String reason) throws Exception {
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate())) {
            String port = receiver.url("").replaceAll(".*:", "");
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, 'http://receiver' || n"
                    + " || '.example.com:" + port + "/hook' FROM posthorn.communities, generate_series(1, " + ENDPOINTS
                    + ") AS n");
            try (ServerProcess server = serve(database, port)) {
                URI ready = URI.create(
                        server.awaitLine("REST API:", Duration.ofSeconds(60)).replaceAll(".*(http[^ ]*)/v1.*", "$1")
                                + "/readyz");
                server.awaitLine("ready;", Duration.ofSeconds(60));
                queue(database, 10);
                database.await("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'delivered'", "120");
                cut.run();
                long end = System.nanoTime() + time.toNanos();
                boolean said = false;
                while (System.nanoTime() < end || !said) {
                    queue(database, 2);
                    new CountDownLatch(1).await(500, TimeUnit.MILLISECONDS);
                    said |= get(ready).startsWith("503 not ready: " + reason);
                    assertThat(System.nanoTime() - end)
                            .as("it is said within two minutes")
                            .isLessThan(Duration.ofMinutes(2).toNanos());
                }
                Eventually.until("it is said", () -> get(ready).startsWith("503 not ready: " + reason));
                assertThat(database.one("SELECT count(disabled_at) || ' ' || max(consecutive_failures)"
                                + " FROM posthorn.webhook_endpoint_health"))
                        .isEqualTo("0 0");
                assertThat(database.one("SELECT max(attempt_count) FROM posthorn.webhook_deliveries"
                                + " WHERE status <> 'delivered'"))
                        .isEqualTo("0");
                mend.run();
                database.await("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'", "0");
                Eventually.until("ready", () -> get(ready).equals("200 ready\n"));
            }
            assertThat(database.query("SELECT DISTINCT outcome, error_class FROM posthorn.webhook_attempt_log"))
                    .containsExactly(List.of("unsent", errorClass));
            String deliveries = database.one("SELECT count(*) FROM posthorn.webhook_deliveries");
            System.out.printf(
                    "%s for %d s: %s deliveries, %d requests, %s attempts that are no receiver's failure%n",
                    errorClass,
                    time.toSeconds(),
                    deliveries,
                    receiver.received().size(),
                    database.one("SELECT count(*) FROM posthorn.webhook_attempt_log"));
            assertThat(receiver.received()).hasSize(Integer.parseInt(deliveries));
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    private static String get(URI uri) throws IOException, InterruptedException {
        var answer = HTTP.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
        return answer.statusCode() + " " + answer.body();
    }

    private static void queue(TestDatabase database, int events) {
        database.administrate("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                + " to_jsonb(n)) FROM generate_series(1, " + events + ") AS n");
    }

    private static void route(String action) throws IOException, InterruptedException {
        for (List<String> route : ROUTES) {
            List<String> command = new java.util.ArrayList<>(List.of("ip"));
            if (route.get(1).contains(":")) {
                command.add("-6");
            }
            command.addAll(List.of("route", action));
            command.addAll(route);
            run(command);
        }
    }

    private static boolean run(List<String> command) throws InterruptedException {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException missing) {
            return false;
        }
    }

    private ServerProcess serve(TestDatabase database, String port) throws IOException {
        Path resolver = Files.writeString(folder.resolve("resolv.conf"), "nameserver " + NAMES + "\n");
        return ServerProcess.start(
                List.of(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "mount --bind " + resolver + " /etc/resolv.conf && exec \"$@\"",
                        "sh"),
                Map.of(
                        "DATABASE_URL",
                        database.url(),
                        "POSTHORN_MASTER_KEY",
                        MasterKeyset.generate().encoded(),
                        "POSTHORN_ALLOWED_NETWORKS",
                        RECEIVERS + "/32:" + port,
                        // Names are asked for at each connection, not every 30 seconds.
                        "JAVA_TOOL_OPTIONS",
                        "-Dsun.net.inetaddr.ttl=0"),
                "serve",
                "--port",
                "0");
    }
}
