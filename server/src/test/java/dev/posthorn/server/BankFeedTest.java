package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.server.KeyServer.Answer;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookVerifier;
import dev.posthorn.testkit.SampleStatements;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Received;
import dev.posthorn.testkit.TestSftpServer;
import dev.posthorn.vault.MasterKeyset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A bank's statement from its SFTP server to whoever listens, with the program as it is started and its REST API alone. */
class BankFeedTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration LONG = Duration.ofMinutes(2);
    private static final String ALL = "/communities/ext:stadtpark/integrations";

    @TempDir
    Path folder;

    @Test
    void a_statement_is_told_once_and_what_the_bank_corrects_is_told_as_changed() throws Exception {
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
                TestReceiver receiver = TestReceiver.start();
                TestSftpServer bank = new TestSftpServer(folder);
                ServerProcess server = serve(database)) {
            RestClient rest = RestClient.of(server);
            rest.done(
                    "POST", "/communities", "{\"external_id\": \"stadtpark\", \"name\": \"Wohnanlage am Stadtpark\"}");
            WebhookVerifier verifier = subscribe(rest, receiver);
            String integration = connect(rest, bank);

            put(SampleStatements.text("camt053-german-v02.xml"));
            assertThat(counts(rest.run(integration))).isEqualTo("completed: 4 read, 4 created, 0 updated");
            List<Received> told = receiver.await(4, LONG);
            assertThat(of(told, verifier))
                    .containsExactlyInAnyOrder(
                            "integration.record.created transaction 250.00 Hausgeld November Wohnung 7",
                            "integration.record.created transaction -119.00 Strom Abschlag 11/2026",
                            "integration.record.created transaction -12.90 ",
                            "integration.record.created statement 1318.10");

            assertThat(counts(rest.run(integration))).isEqualTo("completed: 0 read, 0 created, 0 updated");

            // The same statement again: another text, and an amount with all that follows from it.
            put(SampleStatements.text("camt053-german-v02.xml")
                    .replace("Wohnung 7", "Wohnung 8")
                    .replace(">119.00<", ">117.00<")
                    .replace(">1318.10<", ">1320.10<"));
            assertThat(counts(rest.run(integration))).isEqualTo("completed: 4 read, 1 created, 2 updated");
            told = receiver.await(7, LONG);
            assertThat(of(told.subList(4, told.size()), verifier))
                    .containsExactlyInAnyOrder(
                            "integration.record.updated transaction 250.00 Hausgeld November Wohnung 8",
                            "integration.record.created transaction -117.00 Strom Abschlag 11/2026",
                            "integration.record.updated statement 1320.10");

            assertThat(counts(rest.run(integration))).isEqualTo("completed: 0 read, 0 created, 0 updated");
            assertThat(ids(receiver.received())).hasSize(7);
            assertThat(rest.done("GET", integration, "").json().get("health").stringValue())
                    .isEqualTo("healthy");
            assertThat(rest.done("GET", integration + "/records?type=transaction", "")
                            .json()
                            .get("data"))
                    .hasSize(4);
        }
    }

    private static ServerProcess serve(TestDatabase database) throws Exception {
        return ServerProcess.serve(
                database,
                Map.of("POSTHORN_MASTER_KEY", MasterKeyset.generate().encoded(), "POSTHORN_ALLOW_HTTP", "true"));
    }

    private static WebhookVerifier subscribe(RestClient rest, TestReceiver receiver) throws Exception {
        String endpoints = "/communities/ext:stadtpark/endpoints";
        String endpoint = rest.done(
                        "POST",
                        endpoints,
                        "{\"url\": \"" + receiver.url("/books") + "\", \"event_types\": [\"integration.record.*\"]}")
                .json()
                .get("id")
                .stringValue();
        String secret = rest.done("GET", endpoints + "/" + endpoint + "/secret", "")
                .json()
                .get("secret")
                .stringValue();
        return new WebhookVerifier(List.of(WebhookSecret.parse(secret)));
    }

    private static String connect(RestClient rest, TestSftpServer bank) throws Exception {
        String integration = ALL + "/"
                + rest.done("POST", ALL, """
                        {"name": "House bank", "connector": "bank-statement",
                         "config": {"source": {"type": "sftp", "host": "127.0.0.1", "port": %d, "username": "%s", "host_key": ["%s"], "path": "/"}}}
                        """.formatted(bank.port(), TestSftpServer.USERNAME, bank.fingerprint()))
                        .json()
                        .get("id")
                        .stringValue();
        rest.done("PUT", integration + "/credentials", "{\"password\": \"" + TestSftpServer.PASSWORD + "\"}");
        Answer check = rest.done("POST", integration + "/check", "");
        assertThat(check.json().get("ok").booleanValue()).as(check.body()).isTrue();
        return integration;
    }

    /** As a bank does: under another name until it is complete. */
    private void put(String statement) throws Exception {
        Path part = folder.resolve("2026-11-24.xml.part");
        Files.writeString(part, statement);
        try (Stream<Path> present = Files.list(folder)) {
            Files.move(part, folder.resolve("2026-11-24-" + present.count() + ".xml"));
        }
    }

    private static String counts(Answer run) {
        JsonNode counts = run.json();
        return "%s: %d read, %d created, %d updated"
                .formatted(
                        counts.get("status").stringValue(),
                        counts.get("records_read").intValue(),
                        counts.get("records_created").intValue(),
                        counts.get("records_updated").intValue());
    }

    /** What the genuine ones say. */
    private static List<String> of(List<Received> requests, WebhookVerifier verifier) throws Exception {
        Set<String> told = new HashSet<>();
        for (Received request : requests) {
            verifier.verify(
                    request.header("webhook-id"),
                    request.header("webhook-timestamp"),
                    request.header("webhook-signature"),
                    request.body());
            JsonNode event = JSON.readTree(new String(request.body(), StandardCharsets.UTF_8));
            JsonNode record = event.at("/data/data");
            String type = event.at("/data/type").stringValue();
            told.add(event.get("type").stringValue() + " " + type + " "
                    + (type.equals("statement")
                            ? record.at("/closing_balance/amount").stringValue()
                            : record.get("amount").stringValue() + " "
                                    + record.at("/remittance/unstructured")
                                            .asString("")
                                            .replace('\n', ' ')));
        }
        return List.copyOf(told);
    }

    private static Set<String> ids(List<Received> requests) {
        Set<String> ids = new HashSet<>();
        requests.forEach(request -> ids.add(request.header("webhook-id")));
        return ids;
    }
}
