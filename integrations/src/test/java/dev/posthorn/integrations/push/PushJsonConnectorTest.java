package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushAnswer.Accepted;
import dev.posthorn.integrations.connector.PushAnswer.Refused;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.connector.SourceRecord;
import java.net.URLEncoder;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a request that is genuine, and of one that asks. */
class PushJsonConnectorTest {
    private static final String LOGIN = "Basic " + Base64.getEncoder().encodeToString("cam:pw".getBytes(UTF_8));
    private static final Map<String, String> CREDENTIALS = Map.of("username", "cam", "password", "pw");

    private final TestContext contexts = new TestContext();
    private final PushJsonConnector connector = new PushJsonConnector();

    @AfterEach
    void close() {
        contexts.close();
    }

    private PushAnswer post(String rest, String body, String... headers) throws ConnectorException {
        Map<String, List<String>> all = new TreeMap<>();
        all.put("authorization", List.of(LOGIN));
        for (int i = 0; i < headers.length; i += 2) {
            all.put(headers[i].toLowerCase(Locale.ROOT), List.of(headers[i + 1]));
        }
        return receive(
                rest, new PushRequest("POST", "", all, body.replace('\'', '"').getBytes(UTF_8), TestContext.NOW));
    }

    private PushAnswer receive(String rest, PushRequest request) throws ConnectorException {
        return connector.receive(
                contexts.of("{'verification': {'type': 'basic'}, " + rest + "}", CREDENTIALS), request);
    }

    private static List<String> ids(PushAnswer answer) {
        return ((Accepted) answer)
                .records().stream().map(SourceRecord::externalId).toList();
    }

    @Test
    void one_record_or_several() throws Exception {
        String records = "'records': {'at': '/data', 'type': 'plate'}";

        assertThat(ids(post(records, "{'data': {'id': 7, 'score': 0.900}}"))).containsExactly("7");
        assertThat(ids(post(records, "{'data': [{'id': 'a'}, {'id': 'b'}]}"))).containsExactly("a", "b");
        assertThat(ids(post(records, "{'data': []}"))).isEmpty();
        assertThat(ids(post("'records': {}", "{'id': 1}"))).containsExactly("1");
        assertThat(((Accepted) post(records, "{'data': {'id': 7, 'score': 0.900}}"))
                        .records()
                        .get(0)
                        .data())
                .hasToString("{\"id\":7,\"score\":0.900}");
    }

    @Test
    void an_id_of_parts_keeps_them_apart() throws Exception {
        String records = "'records': {'id': ['/a', '/b']}";

        assertThat(ids(post(records, "[{'a': 'x/y', 'b': 'z'}, {'a': 'x', 'b': 'y/z'}]")))
                .containsExactly("x~1y/z", "x/y~1z");
    }

    @Test
    void types_and_deletions_are_told_by_fields() throws Exception {
        Accepted accepted = (Accepted) post(
                "'records': {'type_at': '/object', 'deleted': {'at': '/status', 'equals': ['void', 'gone']}}",
                "[{'id': 1, 'object': 'Charge', 'status': 'ok'}, {'id': 2, 'object': 'refund', 'status': 'gone'}]");

        assertThat(accepted.records()).extracting(SourceRecord::type).containsExactly("charge", "refund");
        assertThat(accepted.records().get(0).data()).isNotNull();
        assertThat(accepted.records().get(1)).isEqualTo(SourceRecord.deleted("refund", "2"));
    }

    @Test
    void other_kinds_of_deliveries_are_taken_without_records() throws Exception {
        String settings = "'only': {'at': '/type', 'equals': ['charge.succeeded']}, 'records': {'at': '/data/object'}";

        assertThat(ids(post(settings, "{'type': 'charge.succeeded', 'data': {'object': {'id': 'c'}}}")))
                .containsExactly("c");
        assertThat(ids(post(settings, "{'type': 'ping'}"))).isEmpty();
        assertThat(post(settings, "{'type': 'charge.succeeded', 'data': {}}"))
                .isEqualTo(new Refused(
                        422,
                        "a record or an array of them is expected, but there is nothing at"
                                + " /data/object: /data is an empty object"));
    }

    @Test
    void a_delivery_is_taken_whole_or_not_at_all() throws Exception {
        assertThat(post("'records': {}", "[{'id': 1}, {'id': null}, {'id': 3}]"))
                .isEqualTo(
                        new Refused(
                                422,
                                "1 of 3 cannot be records; /1: the id must be a text or a whole number, but at /id there is null"));
    }

    @Test
    void the_delivery_id_is_where_the_configuration_says() throws Exception {
        String body = "{'id': 1, 'event': 'e-7'}";

        assertThat(((Accepted) post("'records': {}, 'delivery_id': {'at': '/event'}", body)).deliveryId())
                .isEqualTo("e-7");
        assertThat(((Accepted) post("'records': {}, 'delivery_id': {'header': 'X-Id'}", body, "X-Id", "h-7"))
                        .deliveryId())
                .isEqualTo("h-7");
        assertThat(((Accepted) post("'records': {}", body)).deliveryId())
                .matches("sha256:[0-9a-f]{64}")
                .isEqualTo(((Accepted) post("'records': {}", body)).deliveryId())
                .isNotEqualTo(((Accepted) post("'records': {}", "{'id': 1}")).deliveryId());
        assertThat(post("'records': {}, 'delivery_id': {'header': 'X-Id'}", body))
                .isEqualTo(new Refused(400, "the delivery's id must be in the header X-Id, 1 to 512 characters"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{'id': 1} x", "{'id': 1, 'id': 2}", "\u0000", "<Event/>"})
    void what_is_not_json_is_refused_with_400(String body) throws Exception {
        assertThat(post("'records': {}", body))
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.status()).isEqualTo(400));
    }

    @Test
    void forms_hold_json_or_are_the_record() throws Exception {
        String json = URLEncoder.encode("{\"id\": \"ä+&\"}", UTF_8);

        assertThat(ids(post("'content': 'form', 'form_field': 'json', 'records': {}", "x=1&json=" + json)))
                .containsExactly("ä+&");
        Accepted accepted =
                (Accepted) post("'content': 'form', 'records': {}", "id=7&plate=AB+12&zone=a&zone=b&empty=");
        assertThat(accepted.records().get(0).data())
                .hasToString("{\"id\":\"7\",\"plate\":\"AB 12\",\"zone\":[\"a\",\"b\"],\"empty\":\"\"}");
        assertThat(post("'content': 'form', 'form_field': 'json', 'records': {}", "json=1&json=2"))
                .isEqualTo(new Refused(400, "the form must have the field json exactly once"));
        assertThat(post("'content': 'form', 'records': {}", "id=%zz")).isInstanceOf(Refused.class);
        assertThat(post("'content': 'form', 'records': {}", "a&".repeat(2000))).isInstanceOf(Refused.class);
    }

    @ParameterizedTest
    @CsvSource({"GET, 405", "DELETE, 405", "get, 405"})
    void only_post_and_put_bring_records(String method, int status) throws Exception {
        assertThat(receive(
                        "'records': {}",
                        new PushRequest(
                                method,
                                "",
                                Map.of("authorization", List.of(LOGIN)),
                                "{\"id\":1}".getBytes(UTF_8),
                                TestContext.NOW)))
                .isEqualTo(new Refused(status, "records are sent by POST or PUT"));
    }

    @ParameterizedTest
    @CsvSource({
        "hub.challenge=158&hub.verify_token=geheim, 200",
        "hub.challenge=158&hub.verify_token=falsch, 401",
        "hub.challenge=158, 401",
        "hub.challenge=158&hub.verify_token=geheim&hub.verify_token=geheim, 401",
        "hub.challenge=1&hub.challenge=2&hub.verify_token=geheim, 400",
        "hub.challenge=%3Cscript%3E&hub.verify_token=geheim, 400",
        "hub.challenge=%0d%0aX&hub.verify_token=geheim, 400",
        "x=%zz, 400",
        "x=1, 405"
    })
    void a_challenge_in_the_query_is_sent_back(String query, int status) throws Exception {
        PushAnswer answer = connector.receive(
                contexts.of(
                        "{'verification': {'type': 'github'}, 'records': {}, 'handshake': {'type': 'query',"
                                + " 'parameter': 'hub.challenge', 'token_parameter': 'hub.verify_token'}}",
                        Map.of("secret", "s", "handshake_token", "geheim")),
                new PushRequest("GET", query, Map.of(), new byte[0], TestContext.NOW));

        if (status == 200) {
            assertThat(answer).isEqualTo(new PushAnswer.Handshake("text/plain; charset=utf-8", "158"));
        } else {
            assertThat(answer).isInstanceOfSatisfying(Refused.class, refused -> {
                assertThat(refused.status()).isEqualTo(status);
                assertThat(refused.reason()).doesNotContain("geheim").doesNotContain("script");
            });
        }
    }

    @Test
    void a_challenge_in_the_body_is_sent_back_once_it_is_proven() throws Exception {
        String settings = "'records': {}, 'handshake': {'type': 'body', 'at': '/challenge',"
                + " 'when': {'at': '/type', 'equals': 'url_verification'}}";
        String question = "{'type': 'url_verification', 'challenge': '3eZbrw1a=='}";

        assertThat(post(settings, question))
                .isEqualTo(new PushAnswer.Handshake("text/plain; charset=utf-8", "3eZbrw1a=="));
        assertThat(post(settings, question, "Authorization", "Basic eDp5"))
                .isEqualTo(new Refused(401, "user or password is wrong"));
        assertThat(ids(post(settings, "{'type': 'other', 'challenge': 'x', 'id': 1}")))
                .containsExactly("1");
    }

    @Test
    void what_is_missing_is_said_by_the_check() {
        assertThatThrownBy(() -> connector.check(
                        contexts.of("{'verification': {'type': 'hmac', 'header': 'X'}, 'records': {}}", Map.of())))
                .hasMessageContaining("\"secret\"")
                .extracting(e -> ((ConnectorException) e).failure())
                .isEqualTo(Failure.CREDENTIALS);
    }
}
