package dev.posthorn.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.standardwebhooks.Webhook;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.settle.SettledDelivery;
import dev.posthorn.examples.ExampleReceiver.Command;
import dev.posthorn.schema.Migrator;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookSigner;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.MasterKeyset;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The example receivers, each with the library that the authors of Standard Webhooks publish for its language. */
class ExampleReceiversTest {
    private static final int EVENTS = 100;

    private final MasterKeyset masterKey = MasterKeyset.generate();

    @Test
    void the_receiver_in_java_takes_every_delivery_also_while_the_secret_rotates() throws Exception {
        Path library = Path.of(Webhook.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path java = Path.of(System.getProperty("java.home", ""), "bin", "java");
        takesEveryDelivery(new Command(
                Path.of("receivers", "java"), List.of(java.toString(), "-cp", library.toString(), "Receiver.java")));
    }

    @Test
    void the_receiver_in_javascript_takes_every_delivery_also_while_the_secret_rotates() throws Exception {
        Path directory = Programs.copy("receivers/javascript");
        NodePackages.install(directory);
        takesEveryDelivery(new Command(directory, List.of("node", "receiver.mjs")));
    }

    @Test
    void the_receiver_in_python_takes_every_delivery_also_while_the_secret_rotates() throws Exception {
        Path directory = Programs.copy("receivers/python");
        String python = "python3";
        // Else installed where only this test sees it.
        if (!Programs.run(directory, python, "-c", "import standardwebhooks").succeeded()) {
            Programs.Ended venv = Programs.run(directory, python, "-m", "venv", ".venv");
            assumeTrue(venv.succeeded(), () -> "skipped: no python3 with venv: " + venv.lastWord());
            python = directory.resolve(".venv/bin/python").toString();
            Programs.Ended pip =
                    Programs.run(directory, python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt");
            assumeTrue(pip.succeeded(), () -> "skipped: pip cannot install standardwebhooks: " + pip.lastWord());
        }
        takesEveryDelivery(new Command(directory, List.of(python, "receiver.py")));
    }

    @Test
    void the_receiver_in_go_takes_every_delivery_also_while_the_secret_rotates() throws Exception {
        assumeTrue(Programs.run(null, "go", "version").succeeded(), "skipped: go is not installed");
        Path directory = Programs.copy("receivers/go");
        Programs.Ended tidy = Programs.run(directory, "go", "mod", "tidy");
        assumeTrue(tidy.succeeded(), () -> "skipped: go cannot fetch the library: " + tidy.lastWord());
        Programs.Ended build = Programs.run(directory, "go", "build", "-o", "receiver", ".");
        assertThat(build.exit()).as(build.output()).isZero();
        takesEveryDelivery(new Command(directory, List.of("./receiver")));
    }

    private void takesEveryDelivery(Command command) throws Exception {
        assertThat(unconfigured(command)).startsWith("1: ").contains("WEBHOOK_SECRET");
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate())) {
            String endpoint =
                    database.one("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                            + " INSERT INTO posthorn.webhook_endpoints (community_id, url)"
                            + " SELECT id, 'http://127.0.0.1:9/' FROM posthorn.communities RETURNING id");
            String older = secrets(database, endpoint, false);
            CountDownLatch delivered = new CountDownLatch(4 * EVENTS);
            try (ExampleReceiver first = command.start(older);
                    DeliveryEngine engine = engine(database, delivered)) {
                pointTo(database, endpoint, first);
                engine.start();
                queue(database);
                first.await("received", 1);
                String newer = secrets(database, endpoint, true);
                queue(database);
                first.await("received", EVENTS + 1);
                // The owner of the endpoint changes over to the new secret, as slowly as the overlap allows.
                try (ExampleReceiver second = command.start(newer)) {
                    String url = second.url();
                    queue(database);
                    pointTo(database, endpoint, second);
                    queue(database);
                    second.await("received", EVENTS);
                    assertThat(delivered.await(2, TimeUnit.MINUTES)).isTrue();
                    assertThat(first.said("received")).allMatch(line -> line.contains("payment.received"));
                    assertThat(first.said("refused")).isEmpty();
                    assertThat(second.said("refused")).isEmpty();
                    refusesWhatIsNotGenuine(second, url, newer);
                }
            }
            assertThat(database.query("SELECT status, count(*) FROM posthorn.webhook_deliveries GROUP BY 1"))
                    .containsExactly(List.of("delivered", Integer.toString(4 * EVENTS)));
            assertThat(database.query("SELECT * FROM posthorn.webhook_attempts WHERE status_code <> 204"))
                    .isEmpty();
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    private static void refusesWhatIsNotGenuine(ExampleReceiver receiver, String url, String secret) throws Exception {
        WebhookSigner signer = new WebhookSigner(List.of(WebhookSecret.parse(secret)));
        WebhookSigner stranger = new WebhookSigner(List.of(WebhookSecret.generate()));
        String body = "{\"type\": \"payment.received\", \"data\": \"12,50 €\"}";
        long now = Instant.now().getEpochSecond();
        String genuine = signer.sign("evt_1", now, body.getBytes(UTF_8));
        assertThat(post(url, "evt_1", now, genuine, body)).isEqualTo(204);
        assertThat(post(url, "evt_1", now, genuine, body)).isEqualTo(204);
        receiver.await("duplicate evt_1", 1);
        assertThat(receiver.said("received evt_1")).hasSize(1);

        assertThat(post(url, "evt_2", now, genuine, body)).isEqualTo(401);
        assertThat(post(url, "evt_1", now, genuine, body + " ")).isEqualTo(401);
        assertThat(post(url, "evt_1", now, "nonsense", body)).isEqualTo(401);
        assertThat(post(url, "evt_2", now, stranger.sign("evt_2", now, body.getBytes(UTF_8)), body))
                .isEqualTo(401);
        long old = now - 3600;
        assertThat(post(url, "evt_2", old, signer.sign("evt_2", old, body.getBytes(UTF_8)), body))
                .isEqualTo(401);
        receiver.await("refused", 5);
        assertThat(post(url, "evt_3", now, signer.sign("evt_3", now, body.getBytes(UTF_8)), body))
                .isEqualTo(204);
        receiver.await("received evt_3", 1);
        assertThat(receiver.said("received evt_2")).isEmpty();
    }

    private static int post(String url, String id, long timestamp, String signature, String body) throws Exception {
        try (HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            return client.send(
                            HttpRequest.newBuilder(URI.create(url))
                                    .timeout(Duration.ofSeconds(30))
                                    .header("webhook-id", id)
                                    .header("webhook-timestamp", Long.toString(timestamp))
                                    .header("webhook-signature", signature)
                                    .POST(HttpRequest.BodyPublishers.ofString(body))
                                    .build(),
                            BodyHandlers.discarding())
                    .statusCode();
        }
    }

    private static String unconfigured(Command command) throws Exception {
        try (ExampleReceiver receiver = command.start("")) {
            return receiver.ended();
        }
    }

    private DeliveryEngine engine(TestDatabase database, CountDownLatch delivered) {
        DeliveryListener counting = new DeliveryListener() {
            @Override
            public void settled(SettledDelivery delivery) {
                if (delivery.status().equals("delivered") && !delivery.superseded()) {
                    delivered.countDown();
                }
            }
        };
        return DeliveryEngine.builder(database.dataSource(), masterKey)
                .ownConnections(database.dataSource())
                .addresses(AddressPolicy.allowing(List.of("127.0.0.0/8")))
                .listener(counting)
                .build();
    }

    /** The newest secret of an endpoint, after a rotation with an overlap of an hour or as it stands. */
    private String secrets(TestDatabase database, String endpoint, boolean rotate) throws Exception {
        EndpointSecrets secrets = new EndpointSecrets(masterKey);
        UUID id = UUID.fromString(endpoint);
        try (Connection connection = database.superuser()) {
            return (rotate ? secrets.rotate(connection, id, Duration.ofHours(1)) : secrets.read(connection, id))
                    .get(0)
                    .secret()
                    .encoded();
        }
    }

    private static void pointTo(TestDatabase database, String endpoint, ExampleReceiver receiver) {
        database.administrate(
                "UPDATE posthorn.webhook_endpoints SET url = '" + receiver.url() + "' WHERE id = '" + endpoint + "'");
    }

    private static void queue(TestDatabase database) {
        database.administrate("SET ROLE posthorn_service;"
                + " SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n)) FROM generate_series(1, "
                + EVENTS + ") AS n");
    }
}
