package dev.posthorn.integrations.bank.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.posthorn.integrations.bank.format.StatementFiles.Format;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.BalanceCheck;
import dev.posthorn.integrations.bank.statement.Detail;
import dev.posthorn.integrations.bank.statement.Entry;
import dev.posthorn.integrations.bank.statement.Statement;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.testkit.SampleStatements;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class FormatsTest {
    private static final StatementFiles AUTO = files(Optional.empty());

    @Test
    void camt053_of_a_german_bank() throws Exception {
        Statement statement = read("camt053-german-v02.xml").get(0);
        assertThat(BalanceCheck.check(statement)).isTrue();
        assertThat(statement.account().iban()).isEqualTo("DE89370400440532013000");
        assertThat(statement.account().bic()).isEqualTo("COBADEFFXXX");
        assertThat(statement.number()).isEqualTo("226");
        assertThat(statement.entries()).hasSize(4);
        assertThat(statement.entries().get(3).booked()).isFalse();
        Entry debit = statement.entries().get(1);
        Detail detail = debit.details().get(0);
        assertThat(debit.money().text()).isEqualTo("-119.00");
        assertThat(debit.valueDate()).isEqualTo(LocalDate.of(2026, 11, 25));
        assertThat(detail.references().endToEnd()).isNull();
        assertThat(detail.references().mandate()).isEqualTo("M-4711");
        assertThat(detail.references().creditor()).isEqualTo("DE98ZZZ09999999999");
        assertThat(detail.counterparty().name()).isEqualTo("Stadtwerke Musterstadt");
        assertThat(debit.code().iso()).isEqualTo("PMNT/RDDT/ESDD");
        assertThat(statement.entries().get(2).references().bank()).isNull();
    }

    @Test
    void camt053_of_a_swiss_bank_with_a_batch_a_foreign_amount_and_a_return() throws Exception {
        Statement statement = read("camt053-swiss-v08-batch.xml").get(0);
        assertThat(BalanceCheck.check(statement)).isTrue();
        Entry batch = statement.entries().get(0);
        assertThat(batch.details()).hasSize(3);
        assertThat(batch.details().get(0).remittance().structured()).containsExactly("210000000003139471430009017");
        assertThat(batch.details().get(0).remittance().unstructured()).containsExactly("Miete November");
        assertThat(batch.details().get(1).counterparty().name()).isEqualTo("Beat Keller");
        Detail abroad = statement.entries().get(1).details().get(0);
        assertThat(abroad.original()).hasToString("Money[amount=-950.00, currency=EUR]");
        assertThat(statement.entries().get(1).bookingDate()).isEqualTo(LocalDate.of(2026, 11, 24));
        Entry returned = statement.entries().get(2);
        assertThat(returned.reversal()).isTrue();
        assertThat(returned.details().get(0).counterparty().name()).isEqualTo("Gartenbau Meier");
        assertThat(returned.details().get(0).returned()).isEqualTo("AC04: Account closed");
    }

    @Test
    void mt940_of_a_german_bank_in_two_pages() throws Exception {
        List<Statement> pages = read("mt940-german.sta");
        assertThat(pages).hasSize(2);
        for (Statement page : pages) {
            assertThat(BalanceCheck.check(page)).isTrue();
        }
        assertThat(pages).extracting(Statement::number).containsExactly("226/1", "226/2");
        assertThat(pages.get(0).account().id()).isEqualTo("20040060/0123456789");
        Entry credit = pages.get(0).entries().get(0);
        Detail detail = credit.details().get(0);
        assertThat(credit.references().bank()).isEqualTo("PCTA00LV2098");
        assertThat(credit.code().proprietary()).isEqualTo("NTRF+166");
        assertThat(detail.references().endToEnd()).isEqualTo("HAUSGELD-2026-11-W07");
        assertThat(detail.remittance().unstructured()).containsExactly("Hausgeld November Wohnung 7");
        assertThat(detail.counterparty().iban()).isEqualTo("DE02120300000000202051");
        assertThat(detail.counterparty().bic()).isEqualTo("BYLADEM1001");
        Detail debit = pages.get(0).entries().get(1).details().get(0);
        assertThat(debit.references().mandate()).isEqualTo("M-4711");
        assertThat(debit.references().creditor()).isEqualTo("DE98ZZZ09999999999");
        Entry reversal = pages.get(0).entries().get(2);
        assertThat(reversal.reversal()).isTrue();
        assertThat(reversal.money().text()).isEqualTo("-50.00");
        assertThat(reversal.details().get(0).returned()).isEqualTo("914");
        // Booked on the first of January, valued on the second.
        assertThat(pages.get(1).entries().get(0).bookingDate()).isEqualTo(LocalDate.of(2027, 1, 1));
    }

    @Test
    void lines_may_end_as_on_any_system() throws Exception {
        String file = SampleStatements.text("mt940-german.sta");
        assertThat(AUTO.read(file.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(AUTO.read(file.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void mt940_of_a_dutch_bank_in_the_envelope_of_swift() throws Exception {
        Statement statement = read("mt940-ing-nl.txt").get(0);
        assertThat(BalanceCheck.check(statement)).isTrue();
        assertThat(statement.account().id()).isEqualTo("NL69INGB0123456789");
        assertThat(statement.number()).isNull();
        assertThat(statement.id()).isEqualTo("P261124000000001");
        Detail credit = statement.entries().get(0).details().get(0);
        assertThat(credit.references().endToEnd()).isEqualTo("EV12341REP1231456T1234");
        assertThat(credit.counterparty().name()).isEqualTo("ING BANK NV INZAKE WEB");
        assertThat(credit.remittance().unstructured()).containsExactly("EV10001REP1000000T1000");
        Detail debit = statement.entries().get(1).details().get(0);
        assertThat(debit.remittance().structured()).containsExactly("9001123412341234");
        assertThat(debit.counterparty().iban()).isEqualTo("NL32INGB0000012345");
    }

    @Test
    void mt940_without_transaction_reference_and_with_lines_of_the_banks_own() throws Exception {
        List<Statement> statements = read("mt940-abn-nl.sta");
        assertThat(statements).hasSize(2);
        assertThat(BalanceCheck.check(statements.get(0))).isTrue();
        assertThat(BalanceCheck.check(statements.get(1))).isTrue();
        Detail detail = statements.get(0).entries().get(0).details().get(0);
        assertThat(detail.counterparty().name()).isEqualTo("J. JANSEN");
        assertThat(detail.remittance().unstructured()).containsExactly("Contributie november");
        assertThat(detail.references().endToEnd()).isNull();
    }

    @Test
    void ofx_1_without_end_tags() throws Exception {
        Statement statement = read("statement.ofx").get(0);
        assertThat(BalanceCheck.check(statement)).isFalse();
        assertThat(statement.account().id()).isEqualTo("121042882/1234567890");
        assertThat(statement.entries()).hasSize(2);
        assertThat(statement.entries().get(0).bookingDate()).isEqualTo(LocalDate.of(2026, 11, 23));
        assertThat(statement.entries().get(0).details().get(0).counterparty().name())
                .isEqualTo("SMITH & SONS");
        assertThat(statement.entries().get(1).money().text()).isEqualTo("-12.34");
        assertThat(statement.entries().get(1).references().cheque()).isEqualTo("1044");
    }

    @Test
    void ofx_2_of_a_card() throws Exception {
        Statement statement = read("statement-2.ofx").get(0);
        assertThat(statement.account().id()).isEqualTo("4111XXXXXXXX1111");
        assertThat(statement.entries().get(0).money().text()).isEqualTo("-9.99");
        assertThat(statement.entries().get(0).details().get(0).counterparty().name())
                .isEqualTo("Café Müller");
    }

    @Test
    void csv_as_its_configuration_says() throws Exception {
        String file = """
                Kontoauszug;;;;
                Buchungstag;Betrag;Saldo;Name;Verwendungszweck
                24.11.2026;-1.019,00;181,00;Stadtwerke;"Strom; Abschlag"
                23.11.2026;250,00;1.200,00;Jörg Müller;Hausgeld
                """;
        List<Statement> statements = files(Optional.of(german())).read(file.getBytes(Charset.forName("windows-1252")));
        Statement statement = statements.get(0);
        assertThat(BalanceCheck.check(statement)).isTrue();
        assertThat(statement.account().iban()).isEqualTo("DE89370400440532013000");
        assertThat(statement.opening()).hasToString("Balance[amount=950.00, currency=EUR, date=2026-11-23]");
        assertThat(statement.entries().get(0).money().text()).isEqualTo("-1019.00");
        assertThat(statement.entries().get(1).details().get(0).counterparty().name())
                .isEqualTo("Jörg Müller");
    }

    @Test
    void csv_whose_columns_are_called_otherwise_has_drifted() {
        BadFileException failure = refused(
                files(Optional.of(german())),
                "x\nDatum;Betrag;Saldo;Name;Verwendungszweck\n".getBytes(StandardCharsets.UTF_8));
        assertThat(failure.failure()).isEqualTo(Failure.SCHEMA_DRIFT);
        assertThat(failure.sentence()).contains("Buchungstag").contains("booking_date");
    }

    @Test
    void a_decimal_point_where_a_comma_is_configured_does_not_make_a_hundredfold() {
        BadFileException failure = refused(
                files(Optional.of(german())),
                "x\nBuchungstag;Betrag;Saldo;Name;Verwendungszweck\n24.11.2026;12.50;1;a;b\n"
                        .getBytes(StandardCharsets.UTF_8));
        assertThat(failure.failure()).isEqualTo(Failure.CONFIGURATION);
        assertThat(failure.sentence()).contains("line 3").contains("csv.decimal");
    }

    @Test
    void archives_are_opened() throws Exception {
        byte[] xml = SampleStatements.bytes("camt053-german-v02.xml");
        assertThat(AUTO.read(gzip(xml))).hasSize(1);
        assertThat(AUTO.read(zip(xml, SampleStatements.bytes("camt053-swiss-v08-batch.xml"))))
                .hasSize(2);
    }

    @Test
    void an_archive_that_unpacks_to_more_than_is_allowed_is_refused() throws Exception {
        StatementFiles small = new StatementFiles(Format.AUTO, Optional.empty(), Optional.empty(), 1_000_000);
        assertThat(refused(small, gzip(new byte[50_000_000])).sentence()).contains("1000000 bytes");
        assertThat(refused(small, zip(new byte[600_000], new byte[600_000])).sentence())
                .contains("1000000 bytes");
    }

    @Test
    void external_entities_are_not_fetched() {
        String file = SampleStatements.text("camt053-german-v02.xml")
                .replace("<Document", "<!DOCTYPE Document [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Document")
                .replace("Jörg Müller", "&x;");
        assertThat(refused(AUTO, file.getBytes(StandardCharsets.UTF_8)).sentence())
                .contains("document type");
    }

    @Test
    void a_billion_laughs_are_not_laughed() {
        StringBuilder bomb = new StringBuilder("<!DOCTYPE Document [<!ENTITY a0 \"ha\">");
        for (int i = 1; i < 40; i++) {
            bomb.append("<!ENTITY a" + i + " \"&a" + (i - 1) + ";&a" + (i - 1) + ";\">");
        }
        String file = bomb + "]><Document><BkToCstmrStmt><Stmt><Id>&a39;</Id></Stmt></BkToCstmrStmt></Document>";
        assertThat(refused(AUTO, file.getBytes(StandardCharsets.UTF_8)).sentence())
                .contains("document type");
    }

    @Test
    void xml_without_bottom_is_refused() {
        String deep = "<Document><BkToCstmrStmt><Stmt>" + "<a>".repeat(10_000);
        assertThat(refused(AUTO, deep.getBytes(StandardCharsets.UTF_8)).sentence())
                .contains("nested more than");
        String ofx = "OFXHEADER:100\n<OFX>" + "<A>".repeat(10_000);
        assertThat(refused(AUTO, ofx.getBytes(StandardCharsets.UTF_8)).sentence())
                .contains("nested more than");
    }

    @Test
    void files_that_are_cut_off_anywhere_are_refused_or_whole() throws Exception {
        for (String name :
                List.of("camt053-swiss-v08-batch.xml", "mt940-german.sta", "mt940-ing-nl.txt", "statement.ofx")) {
            byte[] whole = SampleStatements.bytes(name);
            int statements = read(name).size();
            for (int length = 0; length < whole.length; length += 7) {
                try {
                    List<Statement> some = AUTO.read(java.util.Arrays.copyOf(whole, length));
                    for (Statement one : some) {
                        BalanceCheck.check(one);
                    }
                    assertThat(some).hasSizeLessThanOrEqualTo(statements);
                } catch (BadFileException e) {
                    assertThat(e.sentence()).isNotBlank();
                }
            }
        }
    }

    @Test
    void amounts_that_are_none_are_refused() {
        for (String amount : List.of("1e9999999", "-5.00", "0x10", "NaN", "", "1.0.0", "9".repeat(40))) {
            String file = SampleStatements.text("camt053-german-v02.xml").replace(">250.00<", ">" + amount + "<");
            assertThat(refused(AUTO, file.getBytes(StandardCharsets.UTF_8)).sentence())
                    .contains("statement 1, entry 1")
                    .contains("no amount");
        }
    }

    @Test
    void text_in_utf_16_is_not_taken_for_another() {
        BadFileException failure =
                refused(files(Optional.of(german())), "Buchungstag;Betrag".getBytes(StandardCharsets.UTF_16LE));
        assertThat(failure.sentence()).contains("UTF-16");
    }

    @Test
    void a_notification_is_no_statement() {
        String file =
                "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"><BkToCstmrDbtCdtNtfctn/></Document>";
        assertThat(refused(AUTO, file.getBytes(StandardCharsets.UTF_8)).sentence())
                .contains("camt.053");
    }

    @Test
    void what_is_no_format_is_said_to_be_none() {
        assertThat(refused(AUTO, "Hello\n".getBytes(StandardCharsets.UTF_8)).failure())
                .isEqualTo(Failure.CONFIGURATION);
        assertThat(refused(AUTO, new byte[0]).failure()).isEqualTo(Failure.CONFIGURATION);
    }

    private static CsvFormat german() {
        return new CsvFormat(
                ';',
                '"',
                Optional.empty(),
                1,
                true,
                DateTimeFormatter.ofPattern("dd.MM.yyyy"),
                ',',
                Map.of(
                        "booking_date", List.of("Buchungstag"),
                        "amount", List.of("Betrag"),
                        "balance", List.of("Saldo"),
                        "counterparty_name", List.of("Name"),
                        "remittance", List.of("Verwendungszweck")),
                List.of(),
                Optional.of("DE89 3704 0044 0532 0130 00"),
                Optional.of("EUR"));
    }

    private static StatementFiles files(Optional<CsvFormat> csv) {
        return new StatementFiles(Format.AUTO, Optional.empty(), csv, 32 * 1024 * 1024);
    }

    private static List<Statement> read(String sample) throws BadFileException {
        return AUTO.read(SampleStatements.bytes(sample));
    }

    private static BadFileException refused(StatementFiles files, byte[] file) {
        BadFileException failure = catchThrowableOfType(BadFileException.class, () -> files.read(file));
        assertThat(failure).isNotNull();
        return failure;
    }

    private static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(content);
        }
        return packed.toByteArray();
    }

    private static byte[] zip(byte[]... contents) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(packed)) {
            for (int i = 0; i < contents.length; i++) {
                out.putNextEntry(new ZipEntry("folder/" + i + ".xml"));
                out.write(contents[i]);
                out.closeEntry();
            }
        }
        return packed.toByteArray();
    }
}
