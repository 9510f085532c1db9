package dev.posthorn.integrations.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.conformance.PushConformance.Proof;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.httpjson.HttpJsonConnector;
import dev.posthorn.integrations.push.PushJsonConnector;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Answer;
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

        ConformanceReport report = new PullConformance(
                        new HttpJsonConnector(),
                        contexts.of(
                                        "{'url': '" + server.url("/items")
                                                + "', 'auth': {'type': 'bearer'}, 'records': {'at': '/items'},"
                                                + " 'pagination': {'type': 'page', 'to': {'query': 'page'}}"
                                                + incremental + "}",
                                        Map.of())
                                .configuration(),
                        Map.of("token", "the-right-token"),
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
