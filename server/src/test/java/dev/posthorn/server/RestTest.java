package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.node.Node;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.vault.MasterKeyset;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RestTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String MASTER_KEY = MasterKeyset.generate().encoded();
    private static TestDatabase database;
    private static TestReceiver receiver;
    private static Node node;
    private static String key;

    @BeforeAll
    static void start() throws Exception {
        database = TestDatabase.create(source -> new Migrator(source).migrate());
        receiver = TestReceiver.start();
        node = Node.start(settings(MASTER_KEY, "0"), new DeliveryListener() {});
        key = node.firstKey().orElseThrow().text();
        assertThat(call("POST", "/communities", "{\"external_id\":\"acme\",\"name\":\"Acme\"}")
                        .statusCode())
                .isEqualTo(201);
        assertThat(call("POST", "/communities", "{\"external_id\":\"other\",\"name\":\"Other\"}")
                        .statusCode())
                .isEqualTo(201);
    }

    @AfterAll
    static void stop() {
        node.close();
        receiver.close();
        database.close();
    }

    @Test
    void the_whole_loop_goes_by_rest() throws Exception {
        String endpoint = read(call(
                        "POST",
                        "/communities/ext:acme/endpoints",
                        "{\"url\":\"" + receiver.url("/loop")
                                + "\",\"event_types\":[\"loop.*\"],\"payload_format\":\"raw\",\"max_attempts\":1}"))
                .get("id")
                .stringValue();
        String payload = "{\"z\": 1.50, \"a\" : [1, 2], \"text\": \"ä \\u00e4\"}";
        HttpResponse<String> queued = call(
                "POST", "/communities/ext:acme/events", "{\"event_type\":\"loop.done\",\"payload\":" + payload + "}");
        assertThat(queued.statusCode()).as(queued.body()).isEqualTo(202);
        String event = read(queued).get("id").stringValue();
        JsonNode delivery = awaitDelivery(event, "delivered");
        assertThat(receiver.received().stream().filter(request -> request.path().equals("/loop")))
                .singleElement()
                .satisfies(request -> assertThat(new String(request.body(), StandardCharsets.UTF_8))
                        .isEqualTo(payload));
        JsonNode attempts = read(call(
                        "GET",
                        "/communities/ext:acme/deliveries/" + delivery.get("id").stringValue() + "/attempts",
                        ""))
                .get("data");
        assertThat(attempts.size()).isEqualTo(1);
        assertThat(attempts.get(0).get("status_code").intValue()).isEqualTo(200);

        receiver.answer(request -> TestReceiver.Answer.of(500));
        String failing = read(call(
                        "POST", "/communities/ext:acme/events", "{\"event_type\":\"loop.failed\",\"payload\":null}"))
                .get("id")
                .stringValue();
        String dead = awaitDelivery(failing, "dead_letter").get("id").stringValue();
        receiver.answer(request -> TestReceiver.Answer.of(200));
        assertThat(call("POST", "/communities/ext:acme/deliveries/" + dead + "/retry", "")
                        .statusCode())
                .isEqualTo(200);
        awaitDelivery(failing, "delivered");
        assertThat(call("POST", "/communities/ext:acme/deliveries/" + dead + "/retry", "")
                        .statusCode())
                .isEqualTo(409);

        JsonNode before = read(call("GET", "/communities/ext:acme/endpoints/" + endpoint + "/secret", ""));
        JsonNode after = read(call(
                "POST", "/communities/ext:acme/endpoints/" + endpoint + "/secret/rotate", "{\"overlap_seconds\":60}"));
        assertThat(after.get("version").intValue())
                .isEqualTo(before.get("version").intValue() + 1);
        assertThat(after.get("secret").stringValue())
                .startsWith("whsec_")
                .isNotEqualTo(before.get("secret").stringValue());
        assertThat(after.get("previous").size()).isEqualTo(1);

        assertThat(read(call(
                                "PATCH",
                                "/communities/ext:acme/endpoints/" + endpoint,
                                "{\"enabled\":false,\"retry_schedule\":[1,2.5]}"))
                        .get("state")
                        .stringValue())
                .isEqualTo("disabled");
        assertThat(call("DELETE", "/communities/ext:acme/endpoints/" + endpoint, "")
                        .statusCode())
                .isEqualTo(204);
        assertThat(call("GET", "/communities/ext:acme/endpoints/" + endpoint, "")
                        .statusCode())
                .isEqualTo(404);
        assertThat(read(call("GET", "/communities/ext:acme/stats", ""))
                        .get("data")
                        .isArray())
                .isTrue();
    }

    @Test
    void what_failed_is_sent_anew_by_a_job_that_can_be_watched_and_cancelled() throws Exception {
        String endpoint = read(call(
                        "POST",
                        "/communities/ext:other/endpoints",
                        "{\"url\":\"" + receiver.url("/again")
                                + "\",\"event_types\":[\"again.*\"],\"max_attempts\":1,\"rate_limit\":100,\"rate_period\":\"minute\","
                                + "\"ordering\":\"key\",\"ordering_key\":\"$.account\",\"on_dead_letter\":\"hold\"}"))
                .get("id")
                .stringValue();
        JsonNode shown = read(call("GET", "/communities/ext:other/endpoints/" + endpoint, ""));
        assertThat(shown.get("rate_limit").intValue()).isEqualTo(100);
        assertThat(shown.get("ordering_key").stringValue()).isEqualTo("$.\"account\"");
        assertThat(shown.get("on_dead_letter").stringValue()).isEqualTo("hold");
        assertThat(shown.get("circuit").stringValue()).isEqualTo("closed");
        assertThat(read(call(
                                "PATCH",
                                "/communities/ext:other/endpoints/" + endpoint,
                                "{\"rate_limit\":null,\"ordering\":\"none\",\"ordering_key\":null}"))
                        .get("ordering")
                        .stringValue())
                .isEqualTo("none");

        receiver.answer(request -> TestReceiver.Answer.of(request.path().equals("/again") ? 500 : 200));
        String event = read(call(
                        "POST", "/communities/ext:other/events", "{\"event_type\":\"again.failed\",\"payload\":{}}"))
                .get("id")
                .stringValue();
        awaitDelivery("ext:other", event, "dead_letter");
        receiver.answer(request -> TestReceiver.Answer.of(200));
        HttpResponse<String> started = call(
                "POST",
                "/communities/ext:other/endpoints/" + endpoint + "/redeliver",
                "{\"what\":\"failed\",\"since\":\"2020-01-01T00:00:00Z\"}");
        assertThat(started.statusCode()).as(started.body()).isEqualTo(202);
        String job = read(started).get("id").stringValue();
        awaitDelivery("ext:other", event, "delivered");
        JsonNode done = read(call("GET", "/communities/ext:other/redeliveries/" + job, ""));
        assertThat(done.get("status").stringValue()).isEqualTo("completed");
        assertThat(done.get("redelivered").intValue()).isEqualTo(1);
        assertThat(done.get("progress").intValue()).isEqualTo(1);
        assertThat(read(call("GET", "/communities/ext:other/redeliveries?status=completed", ""))
                        .get("data")
                        .size())
                .isEqualTo(1);
        assertProblem(
                call("POST", "/communities/ext:other/redeliveries/" + job + "/cancel", ""), 409, "already completed");
        assertProblem(
                call("POST", "/communities/ext:other/endpoints/" + endpoint + "/redeliver", "{\"what\":\"all\"}"),
                422,
                "since is missing");
        assertProblem(
                call("POST", "/communities/ext:other/deliveries/retry", "{\"since\":\"yesterday evening\"}"),
                422,
                "since must be a time");
        assertProblem(call("GET", "/communities/ext:acme/redeliveries/" + job, ""), 404, "no such redelivery");
    }

    @Test
    void lists_of_deliveries_are_the_same_whichever_way_they_are_asked_for() throws Exception {
        String community = "/communities/ext:lists";
        call("POST", "/communities", "{\"external_id\":\"lists\",\"name\":\"Lists\"}");
        String first = read(call("POST", community + "/endpoints", "{\"url\":\"" + receiver.url("/lists/1") + "\"}"))
                .get("id")
                .stringValue();
        call("POST", community + "/endpoints", "{\"url\":\"" + receiver.url("/lists/2") + "\",\"enabled\":false}");
        call("POST", community + "/endpoints", "{\"url\":\"" + receiver.url("/lists/3") + "\"}");
        String last = "";
        for (int i = 0; i < 5; i++) {
            last = read(call(
                            "POST",
                            community + "/events",
                            "{\"event_type\":\"lists.n" + i + "\",\"payload\":" + i + "}"))
                    .get("id")
                    .stringValue();
        }
        awaitDelivery("ext:lists", last, "delivered");
        List<String> all = new ArrayList<>();
        JsonNode page = read(call("GET", community + "/deliveries?limit=3", ""));
        while (true) {
            page.get("data").forEach(delivery -> all.add(delivery.get("id").stringValue()));
            if (page.get("next_cursor").isNull()) {
                break;
            }
            page = read(call(
                    "GET",
                    community + "/deliveries?limit=3&cursor="
                            + page.get("next_cursor").stringValue(),
                    ""));
        }
        assertThat(all).hasSize(10).doesNotHaveDuplicates().isSortedAccordingTo(Comparator.reverseOrder());
        JsonNode ofOne = read(call("GET", community + "/deliveries?endpoint_id=" + first, ""))
                .get("data");
        assertThat(ofOne.size()).isEqualTo(5);
        assertThat(read(call("GET", community + "/deliveries?event_type=lists.n3", ""))
                        .get("data")
                        .size())
                .isEqualTo(2);
        assertThat(read(call("GET", community + "/deliveries?status=dead_letter", ""))
                        .get("data")
                        .size())
                .isZero();
        assertProblem(call("GET", community + "/deliveries?endpoint_id=nonsense", ""), 422, "endpoint_id");
        assertProblem(call("GET", community + "/deliveries?status=lost", ""), 422, "dead_letter");
        for (Map.Entry<String, String> wrong : Map.of(
                        "rate_limit", "0", "rate_period", "\"hour\"", "ordering", "\"sorted\"", "max_in_flight", "1001")
                .entrySet()) {
            HttpResponse<String> answer = call(
                    "PATCH",
                    community + "/endpoints/" + first,
                    "{\"" + wrong.getKey() + "\":" + wrong.getValue() + "}");
            assertProblem(answer, 422, wrong.getKey() + " must be");
            assertThat(answer.body()).contains("\"pointer\":\"/" + wrong.getKey() + "\"");
        }
        assertProblem(
                call("PATCH", community + "/endpoints/" + first, "{\"ordering\":\"key\"}"),
                422,
                "ordering_key must be given");
    }

    @Test
    void a_url_is_stored_in_its_canonical_form_or_refused_with_its_class() throws Exception {
        String endpoints = "/communities/ext:other/endpoints";
        JsonNode created = read(call(
                "POST", endpoints, "{\"url\":\"HTTPS://B\u00fccher.EXAMPLE.:443/A?b\",\"event_types\":[\"none\"]}"));
        assertThat(created.get("url").stringValue()).isEqualTo("https://xn--bcher-kva.example/A?b");
        String one = endpoints + "/" + created.get("id").stringValue();
        assertThat(read(call("PATCH", one, "{\"url\":\"https://Example.com:8443\"}"))
                        .get("url")
                        .stringValue())
                .isEqualTo("https://example.com:8443");
        Map<String, String> refused = Map.of(
                "http://example.com/", "scheme",
                "https://u@example.com/", "userinfo",
                "https://localhost/", "name",
                "https://0x7f.1/", "number",
                "https://10.0.0.1/", "address",
                "https://[::ffff:8.8.8.8]/", "address",
                "https://example.com:22/", "port");
        for (Map.Entry<String, String> each : refused.entrySet()) {
            String body = "{\"url\":\"" + each.getKey() + "\"}";
            for (HttpResponse<String> answer :
                    java.util.List.of(call("POST", endpoints, body), call("PATCH", one, body))) {
                assertProblem(answer, 422, "url is refused, class " + each.getValue() + ": ");
                assertThat(JSON.readTree(answer.body())
                                .get("errors")
                                .get(0)
                                .get("pointer")
                                .stringValue())
                        .isEqualTo("/url");
            }
        }
        assertThat(read(call("GET", one, "")).get("url").stringValue()).isEqualTo("https://example.com:8443");
        call("DELETE", one, "");
    }

    @Test
    void bad_input_is_answered_with_the_field_and_the_mend() throws Exception {
        assertProblem(call("POST", "/communities/ext:acme/events", "{\"event_type\": "), 400, "no JSON");
        assertProblem(call("POST", "/communities/ext:acme/events", "{} {}"), 422, "event_type is missing");
        assertProblem(
                call("POST", "/communities/ext:acme/events", "{\"event_type\":\"a\",\"payload\":1} x"), 400, "no JSON");
        assertProblem(call("POST", "/communities/ext:nobody/events", "{}"), 404, "no such community");
        assertProblem(
                call("POST", "/communities/ext:acme/events", "{\"event_type\":\"a b\",\"payload\":1}"),
                422,
                "letters, digits");
        assertProblem(
                call("POST", "/communities/ext:acme/events", "{\"event_type\":\"posthorn.x\",\"payload\":1}"),
                422,
                "reserved");
        assertProblem(
                call("POST", "/communities/ext:acme/events", "{\"event_type\":\"a\",\"payload\":1,\"more\":1}"),
                422,
                "unknown field");
        assertProblem(
                call(
                        "POST",
                        "/communities/ext:acme/events",
                        "{\"event_type\":\"a\",\"payload\":\"" + "x".repeat(1_048_576) + "\"}"),
                413,
                "the limit is 1048576");
        assertProblem(call("POST", "/communities/ext:acme/endpoints", "{\"url\":\"no url\"}"), 422, "class character");
        assertProblem(
                call(
                        "POST",
                        "/communities/ext:acme/endpoints",
                        "{\"url\":\"https://example.com/\",\"event_types\":[1]}"),
                422,
                "list of texts");
        assertProblem(
                call(
                        "POST",
                        "/communities/ext:acme/endpoints",
                        "{\"url\":\"https://example.com/\",\"filter\":\"$.(\"}"),
                422,
                "");
        assertProblem(
                call(
                        "POST",
                        "/communities/ext:acme/endpoints",
                        "{\"url\":\"https://example.com/\",\"max_attempts\":0}"),
                422,
                "");
        assertProblem(call("POST", "/communities", "{\"external_id\":\"acme\",\"name\":\"Again\"}"), 409, "already");
        assertProblem(call("GET", "/communities/ext:acme/deliveries?limit=0", ""), 422, "from 1 to 250");
        assertProblem(call("GET", "/communities/ext:acme/deliveries?status=lost", ""), 422, "");
        assertProblem(call("GET", "/communities/ext:acme/deliveries/nonsense", ""), 404, "no such delivery");
        assertProblem(call("GET", "/nothing", ""), 404, "no such path");
        call("POST", "/communities/ext:acme/events", "{\"event_type\":\"a\",\"payload\":1,\"idempotency_key\":\"k\"}");
        assertProblem(
                call(
                        "POST",
                        "/communities/ext:acme/events",
                        "{\"event_type\":\"a\",\"payload\":2,\"idempotency_key\":\"k\"}"),
                409,
                "another type or payload");
    }

    @Test
    void a_key_of_a_transaction_that_has_not_ended_is_a_conflict_until_it_has() throws Exception {
        String body = "{\"event_type\":\"a\",\"payload\":1,\"idempotency_key\":\"open\"}";
        try (Connection application = database.superuser();
                Statement statement = application.createStatement()) {
            application.setAutoCommit(false);
            statement.execute("SELECT posthorn.queue_webhook('ext:acme', 'a', '1', 'open')");
            assertProblem(
                    call("POST", "/communities/ext:acme/events", body), 409, "repeat the request with the same key");
            application.rollback();
        }
        HttpResponse<String> repeated = call("POST", "/communities/ext:acme/events", body);
        assertThat(repeated.statusCode()).as(repeated.body()).isEqualTo(202);
        assertThat(read(repeated).get("duplicate").booleanValue()).isFalse();
    }

    @Test
    void a_batch_stores_what_is_right_and_says_what_is_wrong() throws Exception {
        JsonNode data = read(call(
                        "POST",
                        "/communities/ext:acme/events/batch",
                        "{\"events\":[{\"event_type\":\"a\",\"payload\":1},{\"event_type\":\"a b\",\"payload\":1},{\"event_type\":\"b\",\"payload\":{}}]}"))
                .get("data");
        assertThat(data.size()).isEqualTo(3);
        assertThat(data.get(0).has("id")).isTrue();
        assertThat(data.get(1).get("error").stringValue()).isEqualTo("PH002");
        assertThat(data.get(2).has("id")).isTrue();
    }

    @Test
    void a_payload_that_breaks_its_types_schema_is_refused_with_the_pointer() throws Exception {
        assertThat(call(
                                "POST",
                                "/event-types",
                                "{\"name\":\"checked\",\"schema\":{\"type\":\"object\",\"properties\":{\"amount\":"
                                        + "{\"type\":\"number\"}},\"required\":[\"amount\"]}}")
                        .statusCode())
                .isEqualTo(201);
        assertThat(call(
                                "POST",
                                "/communities/ext:acme/events",
                                "{\"event_type\":\"checked\",\"payload\":{\"amount\":1}}")
                        .statusCode())
                .isEqualTo(202);
        HttpResponse<String> refused = call(
                "POST", "/communities/ext:acme/events", "{\"event_type\":\"checked\",\"payload\":{\"amount\":\"1\"}}");
        assertProblem(refused, 422, "number");
        assertThat(JSON.readTree(refused.body())
                        .get("errors")
                        .get(0)
                        .get("pointer")
                        .stringValue())
                .isEqualTo("/payload/amount");
        assertProblem(
                call(
                        "POST",
                        "/communities/ext:acme/events/batch",
                        "{\"events\":[{\"event_type\":\"checked\",\"payload\":{}}]}"),
                422,
                "amount");
        assertProblem(call("POST", "/event-types", "{\"name\":\"wrong\",\"schema\":[]}"), 422, "schema must be");
        assertProblem(
                call("POST", "/event-types", "{\"name\":\"wrong\",\"schema\":{\"$ref\":\"https://example.com/x\"}}"),
                422,
                "no JSON Schema");
    }

    @Test
    void lists_go_page_by_page_and_end() throws Exception {
        for (int i = 0; i < 5; i++) {
            call("POST", "/communities/ext:other/events", "{\"event_type\":\"page\",\"payload\":" + i + "}");
        }
        JsonNode first = read(call("GET", "/communities/ext:other/events?event_type=page&limit=3", ""));
        assertThat(first.get("data").size()).isEqualTo(3);
        assertThat(first.get("data").get(0).get("payload").intValue()).isEqualTo(4);
        JsonNode second = read(call(
                "GET",
                "/communities/ext:other/events?event_type=page&limit=3&cursor="
                        + first.get("next_cursor").stringValue(),
                ""));
        assertThat(second.get("data").size()).isEqualTo(2);
        assertThat(second.get("next_cursor").isNull()).isTrue();
    }

    @Test
    void keys_are_asked_for_and_see_no_more_than_they_may() throws Exception {
        assertProblem(send("GET", "/communities", "", ""), 401, "send an API key");
        assertProblem(send("GET", "/communities", "", "ph_live_wrong"), 401, "unknown");
        String community = database.one("SELECT id FROM posthorn.communities WHERE external_id = 'acme'");
        String limited;
        try (var connection = database.superuser()) {
            limited = new dev.posthorn.apikeys.ApiKeys()
                    .issue(
                            connection,
                            dev.posthorn.apikeys.ApiKey.Mode.LIVE,
                            java.util.UUID.fromString(community),
                            "reader",
                            java.util.List.of("webhooks:read"))
                    .key()
                    .text();
        }
        assertThat(send("GET", "/communities/ext:acme/endpoints", "", limited).statusCode())
                .isEqualTo(200);
        assertProblem(send("POST", "/communities/ext:acme/endpoints", "{}", limited), 403, "webhooks:write");
        assertProblem(send("GET", "/communities/ext:other/endpoints", "", limited), 404, "no such community");
        assertProblem(send("GET", "/communities", "", limited), 404, "");
    }

    @Test
    void health_readiness_and_metrics_are_open() throws Exception {
        assertThat(plain("/healthz").statusCode()).isEqualTo(200);
        Eventually.until("ready", () -> plain("/readyz").statusCode() == 200);
        assertThat(plain("/metrics").body()).contains("posthorn_ready 1.0", "posthorn_deliveries_in_flight");
    }

    @Test
    void what_keeps_a_server_from_starting_is_said_in_one_sentence() {
        String port = node.address().substring(node.address().lastIndexOf(':') + 1);
        assertThatThrownBy(() -> Node.start(settings(MASTER_KEY, port), new DeliveryListener() {}))
                .hasMessageContaining("port " + port + " is taken");
        assertThatThrownBy(() -> {
                    // There is a secret by now, so that the key is tried.
                    call(
                            "POST",
                            "/communities/ext:other/endpoints",
                            "{\"url\":\"https://example.com/\",\"event_types\":[\"none\"]}");
                    awaitSecret();
                    Node.start(settings(MasterKeyset.generate().encoded(), "0"), new DeliveryListener() {});
                })
                .hasMessageContaining("does not open this database's secrets");
        assertThatThrownBy(() -> Node.start(settings("nonsense", "0"), new DeliveryListener() {}))
                .hasMessageContaining("keygen");
        try (TestDatabase empty = TestDatabase.create()) {
            assertThatThrownBy(() -> Node.start(settings(empty, MASTER_KEY, "0"), new DeliveryListener() {}))
                    .hasMessageContaining("run: ./posthorn migrate");
        }
        assertThatThrownBy(() -> Node.start(
                        Settings.gather(
                                Map.of(
                                        Settings.Setting.DATABASE_URL,
                                        "postgres://a:secret@127.0.0.1:1/b",
                                        Settings.Setting.MASTER_KEY,
                                        MASTER_KEY),
                                Map.of(),
                                null),
                        new DeliveryListener() {}))
                .hasMessageContaining("cannot be opened")
                .hasMessageNotContaining("secret@");
        assertThatThrownBy(() -> settings(MASTER_KEY, "many").number(Settings.Setting.PORT, 0, 65_535))
                .hasMessageContaining("port must be a number");
    }

    private static void awaitSecret() throws Exception {
        Eventually.until(
                "a secret is made",
                () -> !database.one("SELECT count(*) FROM posthorn.vault_secrets")
                        .equals("0"));
    }

    private static JsonNode awaitDelivery(String event, String status) throws Exception {
        return awaitDelivery("ext:acme", event, status);
    }

    private static JsonNode awaitDelivery(String community, String event, String status) throws Exception {
        AtomicReference<JsonNode> delivery = new AtomicReference<>(JSON.createObjectNode());
        Eventually.until(() -> "not " + status + " but " + delivery, Duration.ofMinutes(1), () -> {
            delivery.set(read(call("GET", "/communities/" + community + "/events/" + event, ""))
                    .get("deliveries")
                    .get(0));
            return delivery.get().get("status").stringValue().equals(status);
        });
        return delivery.get();
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String detail) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("content-type")).contains("application/problem+json");
        JsonNode problem = JSON.readTree(answer.body());
        assertThat(problem.get("status").intValue()).isEqualTo(status);
        assertThat(problem.get("detail").stringValue()).contains(detail).doesNotContain("Exception", "SELECT ");
    }

    private static JsonNode read(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).as(answer.body()).isBetween(200, 299);
        return JSON.readTree(answer.body());
    }

    private static HttpResponse<String> call(String method, String path, String body) throws Exception {
        return send(method, path, body, key);
    }

    private static HttpResponse<String> send(String method, String path, String body, String with) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(node.address() + "/v1" + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!with.isEmpty()) {
            request.header("Authorization", "Bearer " + with);
        }
        return Contract.check(HTTP.send(request.build(), BodyHandlers.ofString()));
    }

    private static HttpResponse<String> plain(String path) throws Exception {
        return Contract.check(HTTP.send(
                HttpRequest.newBuilder(URI.create(node.address() + path)).build(), BodyHandlers.ofString()));
    }

    private static Settings settings(String masterKey, String port) {
        return settings(database, masterKey, port);
    }

    private static Settings settings(TestDatabase on, String masterKey, String port) {
        return Settings.gather(
                Map.of(
                        Settings.Setting.DATABASE_URL,
                        on.jdbcUrl(),
                        Settings.Setting.MASTER_KEY,
                        masterKey,
                        Settings.Setting.PORT,
                        port,
                        Settings.Setting.ALLOWED_NETWORKS,
                        "127.0.0.0/8"),
                Map.of(),
                null);
    }
}
