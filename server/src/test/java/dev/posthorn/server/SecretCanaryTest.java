package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.settings.DatabaseUrl;
import dev.posthorn.vault.MasterKeyset;
import dev.posthorn.vault.SecretReader;
import dev.posthorn.vault.Vault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * Five hundred secrets that can be recognised, a hundred of them credentials of integrations, go through everything, failures included, with every statement and everything else logged;
 * then everything that is kept anywhere is searched for them. A heap dump would show some: a process that works with secrets has them in
 * memory.
 */
class SecretCanaryTest {
    private static final int CANARIES = 400;
    private static final int OF_INTEGRATIONS = 100;
    private static final String MARK = "Cnry7f3a";
    /** How every login of {@link IntegrationCanaries#LOGIN} with such a secret begins in base64. */
    private static final String LOGIN = Base64.getEncoder()
            .encodeToString((IntegrationCanaries.LOGIN + ":" + MARK).getBytes(StandardCharsets.UTF_8))
            .substring(0, 16);

    private static final String CONTROL = "Plainly5c1e";
    private static final Duration LONG = Duration.ofMinutes(3);
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    Path folder;

    private final List<String> answers = new ArrayList<>();
    private String api = "";
    private String key = "";

    @Test
    void a_secret_is_found_nowhere_but_encrypted() throws Exception {
        MasterKeyset master = MasterKeyset.generate();
        Path data = folder.resolve("data");
        String output;
        try (EmbeddedDatabase database =
                EmbeddedDatabase.start(data, Map.of("log_statement", "all", "log_min_error_statement", "debug1"))) {
            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setUrl(DatabaseUrl.parse(database.url()).jdbcUrl());
            source.setUser(String.valueOf(DatabaseUrl.parse(database.url()).user()));
            new Migrator(source).migrate();
            try (ServerProcess server = ServerProcess.start(
                    Map.of(
                            "DATABASE_URL",
                            database.url(),
                            "POSTHORN_MASTER_KEY",
                            master.encoded(),
                            "POSTHORN_ALLOWED_NETWORKS",
                            "127.0.0.0/8",
                            "POSTHORN_LOG",
                            "debug"),
                    "serve",
                    "--port",
                    "0")) {
                String line = server.awaitLine("REST API:", LONG);
                api = line.substring(line.indexOf("http"));
                String shown = server.awaitLine("service key, shown", LONG);
                key = shown.substring(shown.indexOf("ph_live_"));
                send("POST", "/communities", "{\"external_id\":\"acme\",\"name\":\"" + CONTROL + "\"}", "");
                putAll(source);
                readAll(source, master);
                try (IntegrationCanaries integrations =
                        new IntegrationCanaries(this::call, SecretCanaryTest::canary, source.getPortNumbers()[0])) {
                    integrations.put(OF_INTEGRATIONS);
                }
                answers.add(send("GET", "/audit-log", "", ""));
                answers.add(plain(api.replace("/v1", "/metrics")));
                answers.add(server.jcmd("Thread.print"));
                answers.add(server.jcmd("GC.class_histogram"));
                String rows = TableDump.of(source);
                assertThat(rows).contains(CONTROL);
                answers.add(rows);
                output = server.output();
            }
        }
        assertThat(answers)
                .hasSizeGreaterThan(CANARIES + 10 * OF_INTEGRATIONS)
                .noneMatch(answer -> answer.contains(MARK) || answer.contains(LOGIN));
        assertThat(output).contains("DEBUG").doesNotContain(MARK, LOGIN);
        assertThat(Files.readString(data.resolve("postgres.log"), StandardCharsets.ISO_8859_1))
                .contains("vault_secret_versions")
                .contains(CONTROL);
        assertThat(filesWith(folder, CONTROL))
                .anyMatch(file -> file.contains("base"))
                .anyMatch(file -> file.contains("pg_wal"));
        assertThat(filesWith(folder, MARK)).isEmpty();
        assertThat(filesWith(folder, LOGIN)).isEmpty();
    }

    private void putAll(PGSimpleDataSource source) throws Exception {
        String secrets = "/communities/ext:acme/secrets";
        String one = secrets + "/"
                + JSON.readTree(send("POST", secrets, "{\"name\":\"first\",\"value\":\"" + MARK + "\"}", ""))
                        .get("id")
                        .stringValue();
        for (int n = 0; n < CANARIES; n++) {
            String value = canary();
            String name = "\"name\":\"s" + n + "\"";
            if (n == 200) {
                administrate(
                        source,
                        "ALTER TABLE posthorn.vault_secret_versions ADD CONSTRAINT broken CHECK (false) NOT VALID");
            } else if (n == 240) {
                administrate(source, "ALTER TABLE posthorn.vault_secret_versions DROP CONSTRAINT broken");
            }
            switch (n % 10) {
                case 0 -> send("POST", secrets, "{" + name + ",\"value\":\"" + value + "\"}", "k" + n);
                case 1 ->
                    send(
                            "POST",
                            secrets,
                            "{" + name + ",\"value\":{\"user\":\"" + value + "\",\"p\":\"" + value + "\"}}",
                            "");
                case 2 -> send("PUT", one, "{\"value\":\"" + value + "\"}", "");
                case 3 -> send("POST", one + "/rotate", "{\"value\":\"" + value + "\"}", "");
                case 4 -> send("POST", secrets, "{" + name + ",\"value\":" + value + "}", "");
                case 5 -> send("POST", secrets, "{" + name + ",\"value\":\"v\",\"" + value + "\":1}", "");
                case 6 -> send("POST", secrets, "{" + name + ",\"value\":[\"" + value + "\"]}", "");
                case 7 -> send("POST", secrets, "{\"name\":\"first\",\"value\":\"" + value + "\"}", "");
                case 8 ->
                    send("POST", secrets, "{\"name\":\"s" + (n - 8) + "\",\"value\":\"" + value + "\"}", "k" + (n - 8));
                default -> send("POST", secrets + "x", "{" + name + ",\"value\":\"" + value + "\"}", "");
            }
        }
    }

    /** As a program does that works for the community; one value is damaged, so that reading it fails. */
    private static void readAll(PGSimpleDataSource source, MasterKeyset master) throws Exception {
        administrate(
                source,
                "UPDATE posthorn.vault_secret_versions SET ciphertext = 'damaged' WHERE secret_id ="
                        + " (SELECT id FROM posthorn.vault_secrets WHERE name = 's10')");
        int read = 0;
        int failed = 0;
        try (Vault vault = Vault.over(source, master);
                Connection connection = source.getConnection();
                Statement statement = connection.createStatement();
                var row = statement.executeQuery(
                        "SELECT community_id, id FROM posthorn.vault_secrets WHERE version > 0")) {
            while (row.next()) {
                try (var value = vault.read(
                        row.getObject(1, UUID.class),
                        row.getObject(2, UUID.class),
                        new SecretReader("test", "canary"))) {
                    assertThat(new String(value.bytes(), StandardCharsets.UTF_8))
                            .contains(MARK);
                    read++;
                } catch (dev.posthorn.vault.VaultException e) {
                    assertThat(e.getMessage()).doesNotContain(MARK);
                    failed++;
                }
            }
        }
        assertThat(read).isGreaterThan(60);
        assertThat(failed).isEqualTo(1);
    }

    private static String canary() {
        return MARK + "-" + UUID.randomUUID();
    }

    private String send(String method, String path, String body, String idempotencyKey) throws Exception {
        return idempotencyKey.isEmpty()
                ? call(method, path, body)
                : call(method, path, body, "Idempotency-Key", idempotencyKey);
    }

    private String call(String method, String path, String body, String... headers) throws Exception {
        // What is pushed shows no key of ours.
        RestClient rest = new RestClient(api, path.startsWith("/push/") ? "" : key);
        KeyServer.Answer answer = rest.call(method, path, body, headers);
        answers.add(answer.status() + answer.http().headers().map().toString() + answer.body());
        return answer.body();
    }

    private static String plain(String url) throws Exception {
        return HTTP.send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString())
                .body();
    }

    private static void administrate(PGSimpleDataSource source, String sql) throws Exception {
        try (Connection connection = source.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static List<String> filesWith(Path folder, String text) throws IOException {
        byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> contains(file, wanted))
                    .map(Path::toString)
                    .toList();
        }
    }

    private static boolean contains(Path file, byte[] wanted) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)
                    .contains(new String(wanted, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
