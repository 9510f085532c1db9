package dev.posthorn.integrations.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.bank.BankStatementConnector;
import dev.posthorn.integrations.conformance.PushConformance.Proof;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.httpjson.HttpJsonConnector;
import dev.posthorn.integrations.jdbc.JdbcConnector;
import dev.posthorn.integrations.push.PushJsonConnector;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.testkit.PasswordLogin;
import dev.posthorn.testkit.SampleStatements;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestSftpServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BuiltInConnectorsTest {
    private static final byte[] BODY = "{\"id\": \"e1\", \"plate\": \"AB 12\"}".getBytes(UTF_8);

    private final TestContext contexts = new TestContext();
    private final TestReceiver server = TestReceiver.start();

    @AfterEach
    void close() {
        contexts.close();
        server.close();
    }

    /** Ten pages of five; whoever does not know the token gets nothing. */
    private static Answer page(TestReceiver.Received request) {
        if (!request.header("Authorization").equals("Bearer the-right-token")) {
            return Answer.of(401);
        }
        String path = request.path();
        int page = path.contains("page=") ? Integer.parseInt(path.replaceAll(".*page=([0-9]+).*", "$1")) : 1;
        String items = page > 10
                ? ""
                : IntStream.range(page * 5, page * 5 + 5)
                        .mapToObj(id -> "{\"id\":" + id + ",\"at\":\"2026-05-01T00:00:" + (id + 5) + "Z\",\"n\":1.50}")
                        .collect(Collectors.joining(","));
        return new Answer(200, Map.of(), ("{\"items\":[" + items + "]}").getBytes(UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ", 'incremental': {'field': '/at', 'to': {'query': 'since'}}"})
    void http_json(String incremental) throws Exception {
        server.answer(BuiltInConnectorsTest::page);

        assertConforms(
                new HttpJsonConnector(),
                "{'url': '" + server.url("/items")
                        + "', 'auth': {'type': 'bearer'}, 'records': {'at': '/items'},"
                        + " 'pagination': {'type': 'page', 'to': {'query': 'page'}}"
                        + incremental + "}",
                Map.of("token", "the-right-token"));
    }

    @Test
    void bank_statement(@TempDir Path folder) throws Exception {
        Files.write(folder.resolve("a.xml"), SampleStatements.bytes("camt053-german-v02.xml"));
        Files.write(folder.resolve("b.xml"), SampleStatements.bytes("camt053-swiss-v08-batch.xml"));
        Files.write(folder.resolve("c.ofx"), SampleStatements.bytes("statement.ofx"));
        try (TestSftpServer bank = new TestSftpServer(folder)) {
            assertConforms(
                    new BankStatementConnector(),
                    "{'source': {'type': 'sftp', 'host': '127.0.0.1', 'port': " + bank.port() + ", 'username': '"
                            + TestSftpServer.USERNAME + "', 'host_key': ['" + bank.fingerprint() + "'], 'path': '/'}}",
                    Map.of("password", TestSftpServer.PASSWORD));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ", 'cursor_column': 'changed'"})
    void jdbc(String incremental) throws Exception {
        try (TestDatabase database = TestDatabase.create();
                PasswordLogin reader = PasswordLogin.on(database)) {
            database.administrate(
                    "CREATE TABLE payment (id bigint PRIMARY KEY, amount numeric NOT NULL, changed timestamptz NOT NULL);"
                            + " INSERT INTO payment SELECT n, n * 1.50, TIMESTAMPTZ '2026-05-01 00:00Z' + n / 2 * interval '1 second'"
                            + " FROM generate_series(1, 50) AS n; GRANT SELECT ON payment TO " + reader.name());
            assertConforms(
                    new JdbcConnector(),
                    "{'host': '127.0.0.1', 'port': " + database.server().port() + ", 'database': '" + database.name()
                            + "', 'username': '" + reader.name()
                            + "', 'tls': 'disable', 'fetch_size': 5, 'query': 'SELECT id, amount, changed FROM payment'"
                            + incremental + "}",
                    Map.of("password", reader.password()));
        }
    }

    private void assertConforms(PullConnector connector, String configuration, Map<String, String> credentials)
            throws InterruptedException {
        ConformanceReport report = new PullConformance(
                        connector,
                        contexts.of(configuration, Map.of()).configuration(),
                        credentials,
                        contexts.network(),
                        Clock.fixed(TestContext.NOW, ZoneOffset.UTC))
                .examine();
        assertThat(report.conforms()).as(report.toString()).isTrue();
        assertThat(report.skipped()).isEmpty();
    }

    @Test
    void push_with_a_signature() throws Exception {
        ConformanceReport report = push(
                "{'verification': {'type': 'stripe'}, 'records': {'type': 'plate'}}",
                Map.of("secret", "the right secret"),
                at -> new PushRequest(
                        "POST",
                        "",
                        Map.of(
                                "stripe-signature",
                                List.of(new StripeStyleSignature(List.of("the right secret"))
                                        .sign(at.getEpochSecond(), BODY))),
                        BODY,
                        at),
                Set.of(Proof.BODY, Proof.TIME));

        assertThat(report.conforms()).as(report.toString()).isTrue();
        assertThat(report.skipped()).isEmpty();
    }

    @Test
    void push_with_a_login() throws Exception {
        String login = "Basic " + Base64.getEncoder().encodeToString("cam:pw".getBytes(UTF_8));
        ConformanceReport report = push(
                "{'verification': {'type': 'basic'}, 'records': {'type': 'plate'}}",
                Map.of("username", "cam", "password", "pw"),
                at -> new PushRequest("POST", "", Map.of("authorization", List.of(login)), BODY, at),
                Set.of());

        assertThat(report.conforms()).as(report.toString()).isTrue();
        assertThat(report.skipped()).hasSize(2);
    }

    private ConformanceReport push(
            String configuration,
            Map<String, String> credentials,
            Function<Instant, PushRequest> genuine,
            Set<Proof> proves)
            throws InterruptedException {
        return new PushConformance(
                        new PushJsonConnector(),
                        contexts.of(configuration, Map.of()).configuration(),
                        credentials,
                        contexts.network(),
                        genuine,
                        proves)
                .examine();
    }
}
