package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.Eventually;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The embedded database under real kills of both processes. */
class EmbeddedDatabaseTest {
    @TempDir
    private Path folder;

    @Test
    void the_demo_delivers_verifies_and_loses_nothing() throws Exception {
        try (ServerProcess demo = ServerProcess.start(Map.of(), "demo", "--once", "--data", folder.toString())) {
            assertThat(demo.awaitExit(Duration.ofMinutes(2))).as(demo.output()).isZero();
            assertThat(demo.output().lines().toList()).last().isEqualTo("demo: 2 delivered, 2 verified, 0 lost");
            assertThat(demo.output())
                    .contains(
                            "attempt 1 of access.granted: HTTP 503",
                            "attempt 2 of access.granted: HTTP 204",
                            "the rolled-back event did not arrive");
        }
    }

    @Test
    void a_second_server_on_the_same_folder_says_so_and_a_killed_one_is_replaced() throws Exception {
        try (ServerProcess first = serve()) {
            first.awaitLine("ready", Duration.ofSeconds(90));
            assertThat(first.output()).contains("service key, shown only this once: ph_live_");
            try (ServerProcess second = serve()) {
                assertThat(second.awaitExit(Duration.ofSeconds(30))).isEqualTo(69);
                assertThat(second.output())
                        .contains("another posthorn runs on the folder")
                        .doesNotContain("\tat ");
            }
            long postmaster = postmaster();
            first.kill();
            assertThat(ProcessHandle.of(postmaster).map(ProcessHandle::isAlive)).contains(true);
            try (ServerProcess next = serve()) {
                next.awaitLine("ready", Duration.ofSeconds(90));
                assertThat(next.output())
                        .contains("left its PostgreSQL running")
                        .doesNotContain("shown only this once");
                assertThat(ProcessHandle.of(postmaster)
                                .map(ProcessHandle::isAlive)
                                .orElse(false))
                        .isFalse();
            }
        }
    }

    @Test
    void keys_are_managed_while_a_server_runs_on_the_folder_and_when_none_does() throws Exception {
        String key;
        try (ServerProcess server = serve()) {
            server.awaitLine("ready", Duration.ofSeconds(90));
            String first = server.awaitLine("service key", Duration.ofSeconds(1));
            String prefix = first.substring(first.indexOf("ph_live_")).substring(0, 16);
            try (ServerProcess list = keys("list")) {
                assertThat(list.awaitExit(Duration.ofSeconds(60)))
                        .as(list.output())
                        .isZero();
                assertThat(list.output()).contains(prefix, "first service key");
            }
            try (ServerProcess create = keys("create", "--name", "second")) {
                assertThat(create.awaitExit(Duration.ofSeconds(60)))
                        .as(create.output())
                        .isZero();
                key = create.awaitLine("ph_live_", Duration.ofSeconds(1));
            }
            String line = server.awaitLine("REST API:", Duration.ofSeconds(1));
            assertThat(HttpClient.newHttpClient()
                            .send(
                                    HttpRequest.newBuilder(
                                                    URI.create(line.substring(line.indexOf("http")) + "/communities"))
                                            .header("Authorization", "Bearer " + key)
                                            .build(),
                                    BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(200);
        }
        try (ServerProcess revoke = keys("revoke", key.substring(0, 16))) {
            assertThat(revoke.awaitExit(Duration.ofSeconds(60)))
                    .as(revoke.output())
                    .isZero();
            assertThat(revoke.output()).contains("revoked ");
        }
    }

    @Test
    void a_killed_database_is_started_again_and_the_server_survives() throws Exception {
        try (ServerProcess server = serve()) {
            server.awaitLine("ready", Duration.ofSeconds(90));
            String line = server.awaitLine("REST API:", Duration.ofSeconds(1));
            URI ready = URI.create(line.substring(line.indexOf("http"), line.indexOf("/v1")) + "/readyz");
            Eventually.until("ready", () -> status(ready) == 200);
            new ProcessBuilder("kill", "-9", Long.toString(postmaster()))
                    .start()
                    .waitFor();
            server.awaitLine("has died and is started again", Duration.ofSeconds(10));
            server.awaitLine("runs again", Duration.ofSeconds(60));
            Eventually.until("ready", () -> status(ready) == 200);
        }
    }

    private static int status(URI uri) throws Exception {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.discarding())
                    .statusCode();
        }
    }

    private long postmaster() throws Exception {
        return Long.parseLong(Files.readAllLines(folder.resolve("postgres/postmaster.pid"))
                .get(0)
                .strip());
    }

    private ServerProcess keys(String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of("keys"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--data", folder.toString()));
        return ServerProcess.start(Map.of(), all.toArray(String[]::new));
    }

    private ServerProcess serve() throws Exception {
        return ServerProcess.start(Map.of(), "serve", "--port", "0", "--data", folder.toString());
    }
}
