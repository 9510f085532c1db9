package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookVerifier;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Received;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.MasterKeyset;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Master key and data key are changed under load, on two real nodes, as docs/vault.md says: not one delivery fails. */
class MasterKeyRotationTest {
    private static final Duration LONG = Duration.ofMinutes(3);
    private static final int ENDPOINTS = 3;
    private static final int BATCH = 20;

    @TempDir
    Path folder;

    @Test
    void a_master_key_is_changed_under_load_and_no_delivery_fails() throws Exception {
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
                TestReceiver receiver = TestReceiver.start()) {
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, '" + receiver.url("/")
                    + "' || n FROM posthorn.communities, generate_series(1, " + ENDPOINTS + ") AS n");
            Path keys = folder.resolve("master.key");
            Path oldKeys = folder.resolve("old.key");
            MasterKeyset old = MasterKeyset.generate();
            old.writeTo(keys);
            old.writeTo(oldKeys);
            ServerProcess first = serve(database, keys);
            ServerProcess second = serve(database, oldKeys);
            AtomicBoolean feeding = new AtomicBoolean(true);
            Thread feeder = Thread.ofPlatform().start(() -> feed(database, receiver, feeding));
            try {
                first.awaitLine("ready", LONG);
                second.awaitLine("ready", LONG);
                receiver.await(2 * BATCH * ENDPOINTS, LONG);

                assertThat(run(database, keys, "keygen", "--before", keys.toString()))
                        .isZero();
                MasterKeyset both = MasterKeyset.fromFile(keys);
                assertThat(both.ids()).hasSize(2).endsWith(old.id());
                first.close();
                first = serve(database, keys);
                first.awaitLine("ready", LONG);

                // The second node lacks the new key: refused; and forced, it stops claiming and says why.
                assertThat(run(database, keys, "vault", "rewrap")).isEqualTo(PosthornException.CONFIGURATION);
                assertThat(run(database, keys, "vault", "rotate", "--force")).isZero();
                second.awaitLine("this node sends nothing more", LONG);
                awaitAnswer(second, 503, "give the one with id " + both.id());
                awaitAnswer(first, 200, "ready");
                receiver.await(receiver.received().size() + BATCH * ENDPOINTS, LONG);

                second.close();
                second = serve(database, keys);
                second.awaitLine("ready", LONG);
                assertThat(run(database, keys, "vault", "rewrap")).isZero();

                Path newKeys = folder.resolve("new.key");
                MasterKeyset.parse(both.encoded().lines().findFirst().orElseThrow())
                        .writeTo(newKeys);
                first.close();
                first = serve(database, newKeys);
                first.awaitLine("ready", LONG);
                second.close();
                second = serve(database, newKeys);
                second.awaitLine("ready", LONG);
                assertThat(run(database, newKeys, "vault", "rotate")).isZero();
                assertThat(run(database, newKeys, "vault", "status")).isZero();
                try (ServerProcess late = serve(database, oldKeys)) {
                    late.awaitLine("give the one with id " + both.id(), LONG);
                    assertThat(late.awaitExit(LONG)).isEqualTo(PosthornException.CONFIGURATION);
                }
                receiver.await(receiver.received().size() + BATCH * ENDPOINTS, LONG);
                feeding.set(false);
                feeder.join();
                database.await("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'", "0");
                everythingArrivedAtTheFirstAttempt(database, receiver, newKeys);
            } finally {
                feeding.set(false);
                first.close();
                second.close();
            }
        }
    }

    /** Queues as long as it is told to, and never so much that it would pile up. */
    private static void feed(TestDatabase database, TestReceiver receiver, AtomicBoolean feeding) {
        int queued = 0;
        while (feeding.get()) {
            database.administrate(
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                            + " FROM generate_series(1, " + BATCH + ") AS n");
            queued += BATCH * ENDPOINTS;
            receiver.await(Math.max(0, queued - 5 * BATCH * ENDPOINTS), LONG);
        }
    }

    private static void everythingArrivedAtTheFirstAttempt(TestDatabase database, TestReceiver receiver, Path keys)
            throws Exception {
        assertThat(database.query(
                        "SELECT outcome, error_class, error FROM posthorn.webhook_attempts WHERE outcome = 'failed'"))
                .isEmpty();
        assertThat(database.one("SELECT max(attempt_count) FROM posthorn.webhook_deliveries"))
                .isEqualTo("1");
        List<Received> received = receiver.received();
        assertThat(received.stream()
                        .map(request -> request.header("posthorn-delivery-id"))
                        .collect(Collectors.toSet()))
                .hasSize(Integer.parseInt(database.one("SELECT count(*) FROM posthorn.webhook_deliveries")));
        EndpointSecrets secrets = new EndpointSecrets(MasterKeyset.fromFile(keys));
        for (List<String> row : database.query("SELECT id, url FROM posthorn.webhook_endpoints").stream()
                .map(row -> row.stream().map(String::valueOf).toList())
                .toList()) {
            WebhookSecret secret;
            try (var connection = database.superuser()) {
                secret = secrets.read(connection, UUID.fromString(row.get(0)))
                        .get(0)
                        .secret();
            }
            WebhookVerifier verifier =
                    new WebhookVerifier(List.of(secret), Duration.ofHours(1), java.time.Clock.systemUTC());
            for (Received request : received) {
                if (row.get(1).endsWith(request.path())) {
                    verifier.verify(
                            request.headers().entrySet().stream()
                                    .collect(Collectors.toMap(Map.Entry::getKey, entry -> List.of(entry.getValue()))),
                            request.body());
                }
            }
        }
        System.out.printf("keys changed under load: %d deliveries, none failed%n", received.size());
    }

    private static void awaitAnswer(ServerProcess server, int status, String says) {
        Eventually.until(says, () -> {
            HttpResponse<String> answer = get(server, "/readyz");
            return answer.statusCode() == status && answer.body().contains(says);
        });
    }

    private static HttpResponse<String> get(ServerProcess server, String path) throws Exception {
        String line = server.awaitLine("REST API:", LONG);
        String address = line.substring(line.indexOf("http"), line.indexOf("/v1"));
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(URI.create(address + path)).build(), BodyHandlers.ofString());
        }
    }

    private static int run(TestDatabase database, Path keys, String... arguments) throws Exception {
        try (ServerProcess process = ServerProcess.start(environment(database, keys), arguments)) {
            int code = process.awaitExit(LONG);
            System.out.println("posthorn " + String.join(" ", arguments) + " -> " + code + ": " + process.output());
            return code;
        }
    }

    private static ServerProcess serve(TestDatabase database, Path keys) throws Exception {
        return ServerProcess.start(environment(database, keys), "serve", "--port", "0");
    }

    private static Map<String, String> environment(TestDatabase database, Path keys) {
        assertThat(Files.exists(keys)).isTrue();
        return Map.of(
                "DATABASE_URL",
                database.url(),
                "POSTHORN_MASTER_KEY_FILE",
                keys.toString(),
                "POSTHORN_ALLOWED_NETWORKS",
                "127.0.0.0/8");
    }
}
