package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.settings.DatabaseUrl;
import dev.posthorn.vault.MasterKeyset;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * Where a key is after it was made, used, rotated and refused: in no table and no file of the database, write-ahead log included, in none
 * of its logs though it logs every statement with its parameters, in none of its views of statements, in no log of the server at its most
 * talkative, in no metric, thread dump, heap histogram and in no other answer. Each search also finds something that must be there, so that
 * one knows it can find.
 */
class CanaryTest {
    private static final int PREFIX = 16;
    private static final String OWNER = "whoever-holds-the-canary";

    private static final Map<String, String> LOG_EVERYTHING = Map.of(
            "log_statement", "all",
            "log_min_duration_statement", "0",
            "log_parameter_max_length", "-1",
            "shared_preload_libraries", "pg_stat_statements",
            "pg_stat_statements.track", "all");

    @TempDir
    private Path folder;

    private URI server = URI.create("http://127.0.0.1/");
    private String service = "";

    @Test
    void a_key_is_nowhere_once_it_was_shown() throws Exception {
        Path data = folder.resolve("data");
        List<String> canaries = new ArrayList<>();
        StringBuilder told = new StringBuilder();
        String spoken;
        try (EmbeddedDatabase database = EmbeddedDatabase.start(data, LOG_EVERYTHING)) {
            PGSimpleDataSource source = source(database.url(), null);
            PGSimpleDataSource superuser = source(database.url(), "postgres");
            execute(superuser, "CREATE EXTENSION pg_stat_statements");
            new Migrator(source).migrate();
            try (ServerProcess process = ServerProcess.start(
                    Map.of(
                            "DATABASE_URL", database.url(),
                            "POSTHORN_MASTER_KEY", MasterKeyset.generate().encoded(),
                            "POSTHORN_LOG", "trace"),
                    "serve",
                    "--port",
                    "0")) {
                process.awaitLine("ready", Duration.ofMinutes(2));
                String first = process.awaitLine("service key", Duration.ofSeconds(1));
                service = first.substring(first.indexOf("ph_live_"));
                String address = process.awaitLine("REST API:", Duration.ofSeconds(1));
                server = URI.create(address.substring(address.indexOf("http")) + "/");
                try (HttpClient http = HttpClient.newHttpClient()) {
                    useEverything(http, canaries, told);
                }
                canaries.add(value(source, "SELECT key FROM posthorn.generate_api_key('by SQL', NULL, '{*}')"));
                spoken = value(source, "SELECT key FROM posthorn.generate_api_key('spoken', NULL, '{*}')");
                assertThat(value(source, "SELECT code FROM posthorn.validate_api_key('" + spoken + "')"))
                        .isEqualTo("valid");
                look("histogram", process.jcmd("GC.class_histogram"), "dev.posthorn.apikeys", canaries);
                look("threads", process.jcmd("Thread.print"), "key-changes", canaries);
                look("log", process.output(), "DEBUG", canaries);
            }
            look("answers", told.toString(), canaries.get(1).substring(0, PREFIX), canaries);
            look("answers", told.toString(), "posthorn_api_key_verifications_total", canaries);
            look("tables", TableDump.of(source), canaries.get(1).substring(0, PREFIX), canaries);
            look(
                    "pg_stat_activity",
                    value(superuser, "SELECT string_agg(query, chr(10)) FROM pg_stat_activity"),
                    "pg_stat_activity",
                    canaries);
            String statements = value(superuser, "SELECT string_agg(query, chr(10)) FROM pg_stat_statements");
            look("pg_stat_statements", statements, "validate_api_key_hash", canaries);
            look("pg_stat_statements", statements, "validate_api_key($1)", List.of(spoken));
            execute(superuser, "CHECKPOINT");
        }
        List<String> withPrefix = new ArrayList<>();
        List<String> withSpoken = new ArrayList<>();
        try (Stream<Path> files = Files.walk(data)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                String name = data.relativize(file).toString();
                assertAbsent(canaries, name, bytes);
                if (holds(bytes, canaries.getFirst().substring(0, PREFIX))) {
                    withPrefix.add(name);
                }
                if (holds(bytes, spoken.substring(PREFIX))) {
                    withSpoken.add(name);
                }
            }
        }
        assertThat(withPrefix)
                .anyMatch(name -> name.startsWith("postgres/base/"))
                .anyMatch(name -> name.startsWith("postgres/pg_wal/"))
                .contains("postgres.log");
        // Whoever gives PostgreSQL a key itself finds it in a log of statements, and only there.
        assertThat(withSpoken).containsExactly("postgres.log");
    }

    /** Makes, rotates, uses, mistypes and refuses keys. */
    private void useEverything(HttpClient http, List<String> canaries, StringBuilder told) throws Exception {
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

    /** A text that must hold something, so that one knows it is the right one, and none of the keys. */
    private static void look(String where, String text, String mustHold, List<String> canaries) {
        assertThat(text).as(where).contains(mustHold);
        assertAbsent(canaries, where, text.getBytes(StandardCharsets.UTF_8));
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

    private static PGSimpleDataSource source(String databaseUrl, @Nullable String user) {
        DatabaseUrl url = DatabaseUrl.parse(databaseUrl);
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(url.jdbcUrl());
        source.setUser(user == null ? String.valueOf(url.user()) : user);
        return source;
    }

    private static void execute(PGSimpleDataSource source, String sql) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String value(PGSimpleDataSource source, String sql) throws SQLException {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
