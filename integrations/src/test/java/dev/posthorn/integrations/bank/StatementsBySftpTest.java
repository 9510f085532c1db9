package dev.posthorn.integrations.bank;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.ConnectorFixture;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.testkit.SampleStatements;
import dev.posthorn.testkit.TestSftpServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class StatementsBySftpTest {
    @TempDir
    Path folder;

    private TestSftpServer server;
    private ConnectorFixture connector;

    @BeforeEach
    void start() {
        server = new TestSftpServer(folder);
        connector = new ConnectorFixture(new BankStatementConnector(), "127.0.0.1/32:" + server.port())
                .credential("password", TestSftpServer.PASSWORD);
    }

    @AfterEach
    void stop() {
        connector.close();
        server.close();
    }

    @Test
    void a_statement_becomes_its_transactions_and_itself() throws Exception {
        put("a.xml", "camt053-german-v02.xml");
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(3);
        JsonNode rent = connector.saved("transaction").get(0);
        assertThat(rent.get("amount").asString()).isEqualTo("250.00");
        assertThat(rent.get("counterparty").get("name").asString()).isEqualTo("Jörg Müller");
        assertThat(connector.ids("statement"))
                .containsExactly("DE89370400440532013000/2026-11-24/226/0352C5320261124210411");
    }

    @Test
    void what_was_read_is_not_read_again_and_what_is_new_is() throws Exception {
        put("a.xml", "camt053-german-v02.xml");
        assertThat(connector.run(configuration())).isEmpty();
        put("b.xml", "camt053-swiss-v08-batch.xml");
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.batches()).containsExactly(4, 6);
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.batches()).hasSize(2);
    }

    @Test
    void a_corrected_file_is_read_again_and_updates_its_records() throws Exception {
        put("a.xml", "camt053-german-v02.xml");
        assertThat(connector.run(configuration())).isEmpty();
        String corrected = SampleStatements.text("camt053-german-v02.xml").replace("Wohnung 7", "Wohnung 8");
        Files.writeString(folder.resolve("a.xml"), corrected);
        Files.setLastModifiedTime(folder.resolve("a.xml"), FileTime.from(Instant.parse("2026-11-25T05:00:00Z")));
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(3);
        assertThat(connector
                        .saved("transaction")
                        .get(0)
                        .at("/remittance/unstructured")
                        .asString())
                .endsWith("Wohnung 8");
    }

    @Test
    void the_connection_cut_in_the_middle_of_a_file_is_the_networks_fault_and_the_next_run_goes_on() throws Exception {
        put("a.xml", "camt053-swiss-v08-batch.xml");
        Files.writeString(folder.resolve("b.xml"), Statements.many(2_000));
        server.cutAt(100_000);
        assertThat(connector.run(configuration()))
                .map(ConnectorException::failure)
                .contains(Failure.NETWORK);
        assertThat(connector.saved("transaction")).hasSize(5);
        server.cutAt(Long.MAX_VALUE);
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.batches()).containsExactly(6, 500, 500, 500, 500, 1);
        assertThat(connector.saved("transaction")).hasSize(2_005);
    }

    @Test
    void a_run_that_dies_within_a_file_goes_on_behind_what_was_saved() throws Exception {
        Files.writeString(folder.resolve("b.xml"), Statements.many(1_200));
        connector.runAndDieAfter(2, configuration());
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.batches()).containsExactly(500, 500, 201);
        assertThat(connector.saved("transaction")).hasSize(1_200);
    }

    @Test
    void another_host_key_than_the_pinned_one_is_not_trusted_and_the_password_is_not_sent() throws Exception {
        Optional<ConnectorException> failure =
                connector.run(configuration().replace(server.fingerprint(), "SHA256:" + "A".repeat(43)));
        assertThat(failure).map(ConnectorException::failure).contains(Failure.UNTRUSTED);
        assertThat(failure.orElseThrow().sentence()).contains(server.fingerprint());
    }

    @Test
    void a_wrong_password_is_said_to_be_one() throws Exception {
        connector.credential("password", "wrong");
        Optional<ConnectorException> failure = connector.run(configuration());
        assertThat(failure).map(ConnectorException::failure).contains(Failure.CREDENTIALS);
        assertThat(failure.orElseThrow().sentence()).contains("bank-customer").doesNotContain("wrong\"");
    }

    @Test
    void an_address_that_the_operator_does_not_allow_is_not_connected_to() throws Exception {
        try (ConnectorFixture elsewhere =
                new ConnectorFixture(new BankStatementConnector()).credential("password", TestSftpServer.PASSWORD)) {
            assertThat(elsewhere.run(configuration()))
                    .map(ConnectorException::failure)
                    .contains(Failure.ADDRESS_REFUSED);
        }
        assertThat(server.openSessions()).isZero();
    }

    @Test
    void nobody_listening_is_the_networks_fault() throws Exception {
        String configuration = configuration();
        server.close();
        assertThat(connector.run(configuration))
                .map(ConnectorException::failure)
                .contains(Failure.NETWORK);
    }

    @Test
    void a_folder_that_is_not_there_is_a_matter_of_configuration() throws Exception {
        assertThat(connector.run(configuration().replace("\"/\"", "\"/nowhere\"")))
                .map(ConnectorException::failure)
                .contains(Failure.CONFIGURATION);
    }

    @Test
    void a_file_that_grows_while_it_is_read_is_left_for_the_next_run() throws Exception {
        put("a.xml", "camt053-german-v02.xml");
        server.afterRead(() -> {
            server.afterRead(() -> {});
            // The folder was listed; now somebody writes on.
            append("a.xml", "\n");
        });
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.saved("transaction")).isEmpty();
        assertThat(connector.run(configuration())).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(3);
    }

    @Test
    void check_connects_and_counts() throws Exception {
        put("a.xml", "camt053-german-v02.xml");
        Files.writeString(folder.resolve("b.xml.part"), "half");
        connector.check(configuration());
        assertThat(connector.log()).contains("1 files match");
    }

    private void put(String name, String sample) throws IOException {
        Files.write(folder.resolve(name), SampleStatements.bytes(sample));
    }

    private void append(String name, String more) {
        try {
            Files.write(
                    folder.resolve(name),
                    more.getBytes(StandardCharsets.UTF_8),
                    java.nio.file.StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private String configuration() {
        return """
                {"source": {"type": "sftp", "host": "127.0.0.1", "port": %d, "username": "%s", "host_key": ["%s"], "path": "/"}}""".formatted(server.port(), TestSftpServer.USERNAME, server.fingerprint());
    }
}
