package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.settings.DatabaseUrl;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a key is after it was made, used, rotated and refused: in no file of the database, write-ahead log included, in none of its logs
 * though it logs every statement with its parameters, in no log of the server at its most talkative, in no metric and in no other answer.
 * Each search also finds something that must be there, so that one knows it can find.
 */
class CanaryTest {
    private static final int PREFIX = 16;
    private static final String OWNER = "whoever-holds-the-canary";

    @TempDir
    private Path folder;

    private URI server = URI.create("http://127.0.0.1/");
    private String service = "";

    @Test
    void a_key_is_nowhere_once_it_was_shown() throws Exception {
        Path data = folder.resolve("data");
        List<String> canaries = new ArrayList<>();
        StringBuilder told = new StringBuilder();
        try (ServerProcess process = ServerProcess.start(
                Map.of("POSTHORN_LOG", "trace"), "serve", "--port", "0", "--data", data.toString())) {
            process.awaitLine("ready", Duration.ofMinutes(2));
            String first = process.awaitLine("service key", Duration.ofSeconds(1));
            service = first.substring(first.indexOf("ph_live_"));
            String address = process.awaitLine("REST API:", Duration.ofSeconds(1));
            server = URI.create(address.substring(address.indexOf("http")) + "/");
            logEveryStatement(data);
            try (HttpClient http = HttpClient.newHttpClient()) {
                String made = send(
                        http,
                        service,
                        "api-keys",
                        "{\"name\":\"canary\",\"owner\":\"" + OWNER + "\",\"scopes\":[\"*\"]}",
                        "once");
                canaries.add(field(made, "key"));
                String rotate = "api-keys/" + field(made, "id") + "/rotate";
                canaries.add(field(send(http, service, rotate, "{}", "turn"), "key"));
                for (String canary : canaries) {
                    told.append(send(http, service, "api-keys", "{\"name\":\"canary\"}", "once"));
                    told.append(send(http, service, rotate, "{}", "turn"));
                    told.append(send(http, canary, "api-keys/verify", "{\"key\":\"" + canary + "\"}", ""));
                    told.append(send(http, canary, "api-keys/verify", "{\"key\":\"" + canary + "\",\"cost\":-1}", ""));
                    told.append(send(http, canary, "api-keys/verify", "{\"key\":\"" + canary + "\"", ""));
                    told.append(send(http, canary, "auth/forward", "", ""));
                    told.append(send(http, canary + "x", "auth/forward", "", ""));
                    told.append(send(http, canary, "api-keys?limit=0", "", ""));
                    told.append(send(http, canary, "audit-log", "", ""));
                }
                told.append(send(http, "", "../metrics", "", ""));
                told.append(send(http, service, "audit-log", "", ""));
                told.append(send(http, service, "api-keys", "", ""));
            }
            assertThat(told).contains(canaries.getLast().substring(0, PREFIX), "posthorn_api_key_verifications_total");
            assertAbsent(canaries, "answers", told.toString().getBytes(StandardCharsets.UTF_8));
            asSuperuser(data, "CHECKPOINT");
            assertThat(process.output()).contains("ready", "DEBUG");
            assertAbsent(canaries, "log", process.output().getBytes(StandardCharsets.UTF_8));
        }
        List<String> withPrefix = new ArrayList<>();
        try (Stream<Path> files = Files.walk(data)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                String name = data.relativize(file).toString();
                for (String canary : canaries) {
                    assertThat(holds(bytes, canary.substring(PREFIX))).as(name).isFalse();
                    if (holds(bytes, canary.substring(0, PREFIX))) {
                        withPrefix.add(name);
                    }
                }
            }
        }
        assertThat(withPrefix)
                .anyMatch(name -> name.startsWith("postgres/base/"))
                .anyMatch(name -> name.startsWith("postgres/pg_wal/"))
                .contains("postgres.log");
    }

    private static void assertAbsent(List<String> canaries, String where, byte[] bytes) {
        for (String canary : canaries) {
            int found = indexOf(bytes, canary.substring(PREFIX).getBytes(StandardCharsets.ISO_8859_1));
            assertThat(holds(bytes, canary.substring(PREFIX)))
                    .as(() -> "the key in " + where + " behind "
                            + new String(
                                            bytes,
                                            Math.max(0, found - 200),
                                            Math.max(0, Math.min(200, found)),
                                            StandardCharsets.ISO_8859_1)
                                    .replaceAll("[^ -~]", "."))
                    .isFalse();
        }
    }

    private static boolean holds(byte[] bytes, String text) {
        return indexOf(bytes, text.getBytes(StandardCharsets.ISO_8859_1)) >= 0
                || indexOf(bytes, text.getBytes(StandardCharsets.UTF_16BE)) >= 0;
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i <= bytes.length - wanted.length; i++) {
            int same = 0;
            while (same < wanted.length && bytes[i + same] == wanted[same]) {
                same++;
            }
            if (same == wanted.length) {
                return i;
            }
        }
        return -1;
    }

    private String send(HttpClient http, String key, String path, String body, String idempotencyKey) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.resolve(path))
                .method(body.isEmpty() ? "GET" : "POST", BodyPublishers.ofString(body));
        if (!key.isEmpty()) {
            request.header("Authorization", "Bearer " + key);
        }
        if (!idempotencyKey.isEmpty()) {
            request.header("Idempotency-Key", idempotencyKey);
        }
        return http.send(request.build(), BodyHandlers.ofString()).body();
    }

    private static String field(String json, String name) {
        return JsonMapper.builder().build().readTree(json).get(name).stringValue();
    }

    private static void logEveryStatement(Path data) throws Exception {
        asSuperuser(data, "ALTER SYSTEM SET log_statement = 'all'");
        asSuperuser(data, "ALTER SYSTEM SET log_min_duration_statement = 0");
        asSuperuser(data, "ALTER SYSTEM SET log_parameter_max_length = -1");
        asSuperuser(data, "SELECT pg_reload_conf()");
    }

    private static void asSuperuser(Path data, String sql) throws Exception {
        String url =
                DatabaseUrl.parse(EmbeddedDatabase.urlIn(data).orElseThrow()).jdbcUrl();
        try (Connection connection = DriverManager.getConnection(url + "?user=postgres");
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
