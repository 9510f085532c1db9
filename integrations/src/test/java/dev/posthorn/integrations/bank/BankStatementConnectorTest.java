package dev.posthorn.integrations.bank;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.posthorn.integrations.ConnectorFixture;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.testkit.SampleStatements;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BankStatementConnectorTest {
    @TempDir
    Path root;

    private Path folder;
    private ConnectorFixture connector;

    @BeforeEach
    void start() throws IOException {
        folder = Files.createDirectories(root.resolve("allowed/bank"));
        connector = new ConnectorFixture(new BankStatementConnector())
                .operator("folders", root.resolve("allowed").toString());
    }

    @AfterEach
    void stop() {
        connector.close();
    }

    @Test
    void a_transaction_says_all_that_the_bank_says() throws Exception {
        put("a.xml", SampleStatements.text("camt053-swiss-v08-batch.xml"));
        assertThat(run()).isEmpty();
        assertThat(connector.saved("transaction").get(0)).isEqualTo(ConnectorFixture.JSON.readTree("""
                        {
                          "account": "CH5604835012345678009",
                          "statement": "CH5604835012345678009/2026-11-24/228/20261124375204000131338",
                          "amount": "123.05",
                          "currency": "CHF",
                          "direction": "credit",
                          "reversal": false,
                          "booking_date": "2026-11-24",
                          "value_date": "2026-11-24",
                          "code": "PMNT/RCDT/VCOM",
                          "bank_reference": "20261124000800400000001",
                          "entry_reference": "CH4431999123000889012",
                          "counterparty": {"name": "Pia Rutschmann", "iban": "CH5109000000250092291", "bic": "POFICHBEXXX"},
                          "remittance": {"unstructured": "Miete November", "structured": ["210000000003139471430009017"]},
                          "batch": {"index": 1, "count": 3, "amount": "746.15"}
                        }"""));
        assertThat(connector.saved("statement").get(0)).isEqualTo(ConnectorFixture.JSON.readTree("""
                        {
                          "account": "CH5604835012345678009",
                          "account_iban": "CH5604835012345678009",
                          "account_bic": "CRESCHZZ80A",
                          "account_owner": "STWEG Seeblick",
                          "currency": "CHF",
                          "statement_id": "20261124375204000131338",
                          "number": "228",
                          "opening_balance": {"amount": "10000", "currency": "CHF", "date": "2026-11-24"},
                          "closing_balance": {"amount": "9946.15", "currency": "CHF", "date": "2026-11-24"},
                          "entries": 3
                        }"""));
    }

    @Test
    void a_balance_that_does_not_add_up_spoils_its_file_and_no_other() throws Exception {
        put("a.xml", SampleStatements.text("camt053-german-v02.xml").replace(">1318.10<", ">1318.11<"));
        put("b.xml", SampleStatements.text("camt053-swiss-v08-batch.xml"));
        ConnectorException failure = run().orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.INCONSISTENT);
        assertThat(failure.sentence())
                .contains("a.xml", "DE89370400440532013000", "statement 226", "the difference is 0.01");
        assertThat(connector.saved("transaction"))
                .hasSize(5)
                .noneMatch(one -> one.get("currency").asString().equals("EUR"));

        // Each run says so until somebody has done something.
        assertThat(run()).map(ConnectorException::failure).contains(Failure.INCONSISTENT);
        put("a.xml", SampleStatements.text("camt053-german-v02.xml"));
        assertThat(run()).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(8);
    }

    @Test
    void a_bad_file_can_be_ignored() throws Exception {
        put("a.xml", "nonsense");
        assertThat(run()).map(ConnectorException::failure).contains(Failure.CONFIGURATION);
        assertThat(run(", \"ignore\": [\"a*\"]")).isEmpty();
    }

    @Test
    void of_several_bad_files_the_one_that_a_person_must_see_is_named() throws Exception {
        put("a.xml", "<broken");
        put("b.xml", SampleStatements.text("camt053-german-v02.xml").replace(">1318.10<", ">1.00<"));
        ConnectorException failure = run().orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.INCONSISTENT);
        assertThat(failure.sentence()).contains("b.xml").contains("1 more");
    }

    @Test
    void a_batch_whose_transactions_do_not_make_its_entry_is_inconsistent() throws Exception {
        put("a.xml", SampleStatements.text("camt053-swiss-v08-batch.xml").replace(">123.10<", ">123.20<"));
        ConnectorException failure = run().orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.INCONSISTENT);
        assertThat(failure.sentence()).contains("entry 1", "746.15", "746.25", "-0.10");
    }

    @Test
    void charges_may_explain_the_difference_of_a_batch() throws Exception {
        String file = SampleStatements.text("camt053-swiss-v08-batch.xml")
                .replace(">123.10<", ">123.20<")
                .replace(
                        "<AcctSvcrRef>20261124001234567890123</AcctSvcrRef>",
                        "<AcctSvcrRef>20261124001234567890123</AcctSvcrRef><Chrgs><TtlChrgsAndTaxAmt Ccy=\"CHF\">0.10</TtlChrgsAndTaxAmt></Chrgs>");
        put("a.xml", file);
        assertThat(run()).isEmpty();
    }

    @Test
    void the_same_entry_in_two_statements_is_one_record() throws Exception {
        put("a.xml", SampleStatements.text("camt053-swiss-v08-batch.xml"));
        put(
                "b.xml",
                SampleStatements.text("camt053-swiss-v08-batch.xml")
                        .replace("<Id>20261124375204000131338</Id>", "<Id>another</Id>")
                        .replace("<ElctrncSeqNb>228<", "<ElctrncSeqNb>229<"));
        assertThat(run()).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(5);
        assertThat(connector.saved("statement")).hasSize(2);
    }

    @Test
    void entries_that_share_a_reference_or_have_none_are_records_of_their_own() throws Exception {
        String entry =
                "<Ntry><Amt Ccy=\"EUR\">%s</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt>%s</Ntry>";
        String reference = "<AcctSvcrRef>R1</AcctSvcrRef>";
        String entries = entry.formatted("10.00", reference)
                + entry.formatted("0.50", reference)
                + entry.formatted("10.00", reference)
                + entry.formatted("3.00", "")
                + entry.formatted("3.00", "");
        String file = Statements.many(0)
                .replace("</Stmt>", entries + "</Stmt>")
                .replaceFirst("(?<=CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">)0.00", "26.50");
        put("a.xml", file);
        assertThat(run()).isEmpty();
        assertThat(connector.ids("transaction")).hasSize(5);
        assertThat(connector.ids("transaction").get(0)).isEqualTo("DE89370400440532013000/2026-11-24/R1/10");
        assertThat(connector.ids("transaction").get(1)).isEqualTo("DE89370400440532013000/2026-11-24/R1/0.5");
        assertThat(connector.ids("transaction").get(2)).isEqualTo("DE89370400440532013000/2026-11-24/R1/10/2");
        assertThat(connector.ids("transaction").get(4)).endsWith("/3/2");
    }

    @Test
    void pending_entries_are_no_records() throws Exception {
        put("a.xml", SampleStatements.text("camt053-german-v02.xml"));
        assertThat(run()).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(3);
        assertThat(connector.log()).anyMatch(line -> line.contains("1 that are not booked and not kept"));
    }

    @Test
    void files_are_read_in_the_order_of_their_times_if_that_is_wanted() throws Exception {
        put("a.xml", Statements.many(1));
        put("b.xml", Statements.many(2));
        Files.setLastModifiedTime(folder.resolve("a.xml"), FileTime.from(Instant.parse("2026-11-25T05:00:00Z")));
        Files.setLastModifiedTime(folder.resolve("b.xml"), FileTime.from(Instant.parse("2026-11-24T05:00:00Z")));
        assertThat(run(", \"order\": \"modified\"")).isEmpty();
        assertThat(connector.ids("statement").get(0)).endsWith("S-2");
    }

    @Test
    void hidden_half_written_and_other_files_are_passed_over() throws Exception {
        for (String name : new String[] {".a.xml", "a.xml.part", "a.xml.TMP", "a.txt", "a.xml~"}) {
            put(name, "nonsense");
        }
        put("a.xml", Statements.many(1));
        assertThat(run(", \"pattern\": \"*.xml*\"")).isEmpty();
        assertThat(connector.saved("transaction")).hasSize(1);
    }

    @Test
    void a_folder_of_ten_thousand_files_is_read_once_and_fits_into_the_cursor() throws Exception {
        for (int i = 0; i < 10_000; i++) {
            put("empty-" + i + ".csv", "date,amount\n");
        }
        String csv =
                ", \"csv\": {\"delimiter\": \",\", \"columns\": {\"booking_date\": \"date\", \"amount\": \"amount\"}}";
        assertThat(run(csv)).isEmpty();
        int batches = connector.batches().size();
        assertThat(run(csv)).isEmpty();
        assertThat(connector.batches()).hasSize(batches);
        assertThat(connector.largestCursor()).isLessThan(64 * 1024);
    }

    @Test
    void a_file_that_is_too_large_is_not_read() throws Exception {
        put("a.xml", Statements.many(100));
        ConnectorException failure = run(", \"max_file_bytes\": 1024").orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.CONFIGURATION);
        assertThat(failure.sentence()).contains("a.xml", "1024 bytes", "max_file_bytes");
    }

    @Test
    void only_folders_below_those_that_the_operator_allows_are_read() throws Exception {
        Path outside = Files.createDirectories(root.resolve("outside"));
        Files.writeString(outside.resolve("a.xml"), Statements.many(1));
        Files.createSymbolicLink(root.resolve("allowed/link"), outside);
        for (String path : new String[] {
            outside.toString(),
            root.resolve("allowed/link").toString(),
            root.resolve("allowed/bank/../../outside").toString(),
            root.resolve("allowed/nowhere").toString(),
            root + "/allowed-not",
            "/"
        }) {
            assertThat(connector.run(folder(path, "")))
                    .map(ConnectorException::failure)
                    .contains(Failure.ADDRESS_REFUSED);
        }
        try (ConnectorFixture without = new ConnectorFixture(new BankStatementConnector())) {
            assertThat(without.run(folder(folder.toString(), "")))
                    .map(ConnectorException::failure)
                    .contains(Failure.ADDRESS_REFUSED);
        }
    }

    @Test
    void a_link_in_a_folder_is_not_followed() throws Exception {
        Files.writeString(root.resolve("secret.xml"), Statements.many(1));
        Files.createSymbolicLink(folder.resolve("a.xml"), root.resolve("secret.xml"));
        assertThat(run()).isEmpty();
        assertThat(connector.saved("transaction")).isEmpty();
    }

    @Test
    void the_file_at_a_url_is_read_again_when_its_content_changes() throws Exception {
        byte[][] content = {SampleStatements.bytes("mt940-german.sta")};
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            boolean known = "Bearer t0ken".equals(exchange.getRequestHeaders().getFirst("Authorization"));
            exchange.sendResponseHeaders(known ? 200 : 401, known ? content[0].length : -1);
            if (known) {
                exchange.getResponseBody().write(content[0]);
            }
            exchange.close();
        });
        server.start();
        int port = server.getAddress().getPort();
        String configuration = """
                {"source": {"type": "https", "url": "http://127.0.0.1:%d/statement.sta"}}""".formatted(port);
        try (ConnectorFixture https = new ConnectorFixture(new BankStatementConnector(), "127.0.0.1/32:" + port)) {
            assertThat(https.run(configuration))
                    .map(ConnectorException::failure)
                    .contains(Failure.CREDENTIALS);
            https.credential("token", "t0ken");
            assertThat(https.run(configuration)).isEmpty();
            assertThat(https.run(configuration)).isEmpty();
            assertThat(https.batches()).containsExactly(6);
            content[0] = SampleStatements.bytes("mt940-abn-nl.sta");
            assertThat(https.run(configuration)).isEmpty();
            assertThat(https.batches()).containsExactly(6, 3);
        } finally {
            server.stop(0);
        }
    }

    private Optional<ConnectorException> run() throws InterruptedException {
        return run("");
    }

    private Optional<ConnectorException> run(String more) throws InterruptedException {
        return connector.run(folder(folder.toString(), more));
    }

    private static String folder(String path, String more) {
        return "{\"source\": {\"type\": \"folder\", \"path\": \"" + path + "\"}" + more + "}";
    }

    private void put(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }
}
