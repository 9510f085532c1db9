package dev.posthorn.server;

import static dev.posthorn.server.KeyServer.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.server.node.Node;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.testkit.Eventually;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A key over REST, from its making to its end. */
class ApiKeyRestTest {
    private static final String KEYS = "/communities/ext:acme/api-keys";

    private static KeyServer server;

    @BeforeAll
    static void start() throws Exception {
        server = new KeyServer(Map.of());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void a_key_is_made_looked_at_changed_rotated_used_and_revoked() throws Exception {
        KeyServer.Answer made = server.call("POST", KEYS, """
                {"name": "shop", "owner": "anna", "scopes": ["orders:read"], "metadata": {"plan": "gold"}, "mode": "test",
                 "allowed_networks": ["192.0.2.0/24"], "expires_at": "2099-01-31T12:00:00Z",
                 "rate_limits": {"default": {"limit": 2, "period_seconds": 3600}}, "credits": {"remaining": 100}}
                """);
        assertThat(made.status()).as(made.body()).isEqualTo(201);
        assertThat(made.header("Cache-Control")).isEqualTo("no-store");
        String id = made.json().get("id").stringValue();
        String key = made.json().get("key").stringValue();
        assertThat(key).startsWith("ph_test_");
        JsonNode shown = server.call("GET", KEYS + "/" + id, "").json();
        assertThat(shown.has("key")).isFalse();
        assertThat(shown.has("hash")).isFalse();
        assertThat(shown.get("prefix").stringValue()).isEqualTo(key.substring(0, 16));
        assertThat(shown.get("state").stringValue()).isEqualTo("active");
        assertThat(shown.get("created_by").stringValue()).startsWith("key:");

        JsonNode valid = server.verify(key, "\"scopes\":[\"orders:read\"],\"ip\":\"192.0.2.7\"");
        assertThat(valid.get("code").stringValue()).isEqualTo("valid");
        assertThat(valid.get("metadata").get("plan").stringValue()).isEqualTo("gold");
        assertThat(valid.get("rate_limit").get("remaining").intValue()).isEqualTo(1);
        assertThat(valid.get("credits").intValue()).isEqualTo(99);
        assertThat(valid.get("mode").stringValue()).isEqualTo("test");
        assertThat(server.verify(key, "\"ip\":\"192.0.3.7\"").get("code").stringValue())
                .isEqualTo("ip_not_allowed");
        assertThat(server.verify(
                                key,
                                "\"ip\":\"192.0.2.7\",\"cost\":2,\"rate_limit\":{\"name\":\"own\",\"limit\":2,\"period_seconds\":60}")
                        .get("rate_limit")
                        .get("remaining")
                        .intValue())
                .isZero();

        assertThat(server.call("PATCH", KEYS + "/" + id, "{\"allowed_networks\":[],\"name\":\"new\"}")
                        .json()
                        .get("name")
                        .stringValue())
                .isEqualTo("new");
        KeyServer.Answer rotated = server.call("POST", KEYS + "/" + id + "/rotate", "{\"grace_seconds\":600}");
        assertThat(rotated.status()).as(rotated.body()).isEqualTo(200);
        assertThat(rotated.header("Cache-Control")).isEqualTo("no-store");
        String second = rotated.json().get("key").stringValue();
        assertThat(rotated.json().get("id").stringValue()).isEqualTo(id);
        Eventually.until(
                "let through",
                () -> server.verify(key, "\"cost\":0").get("valid").booleanValue());
        assertThat(server.verify(second, "\"cost\":0").get("valid").booleanValue())
                .isTrue();

        server.node().close();
        server.restart();
        JsonNode usage =
                server.call("GET", KEYS + "/" + id + "/usage", "").json().get("data");
        assertThat(usage.toString()).contains("\"code\":\"valid\"", "\"code\":\"ip_not_allowed\"");
        assertThat(server.call("GET", KEYS + "/" + id, "")
                        .json()
                        .get("last_used_at")
                        .isNull())
                .isFalse();

        assertThat(server.call("POST", KEYS + "/" + id + "/disable", "")
                        .json()
                        .get("state")
                        .stringValue())
                .isEqualTo("disabled");
        assertThat(server.call("POST", KEYS + "/" + id + "/enable", "")
                        .json()
                        .get("state")
                        .stringValue())
                .isEqualTo("active");
        assertThat(server.call("POST", KEYS + "/" + id + "/revoke", "{\"reason\":\"lost\"}")
                        .json()
                        .get("revoked_reason")
                        .stringValue())
                .isEqualTo("lost");
        Eventually.until(
                "revoked",
                () -> server.verify(second, "").get("code").stringValue().equals("revoked"));
        assertThat(server.call("PATCH", KEYS + "/" + id, "{\"name\":\"x\"}").status())
                .isEqualTo(409);
        assertThat(server.call("GET", KEYS + "?state=revoked&owner=anna", "")
                        .json()
                        .get("data")
                        .size())
                .isEqualTo(1);
        JsonNode log =
                server.call("GET", "/audit-log?resource_id=" + id, "").json().get("data");
        assertThat(log.valueStream().map(line -> line.get("action").stringValue()))
                .containsExactly(
                        "api_key.revoked",
                        "api_key.enabled",
                        "api_key.disabled",
                        "api_key.rotated",
                        "api_key.changed",
                        "api_key.created");
        assertThat(log.get(0).get("actor").stringValue()).startsWith("key:");
    }

    @Test
    void a_repeated_idempotency_key_is_answered_409_with_the_id_and_never_with_the_key() throws Exception {
        KeyServer.Answer first =
                server.send("POST", KEYS, "{\"name\":\"once\"}", server.key(), "Idempotency-Key", "k1");
        String id = first.json().get("id").stringValue();
        KeyServer.Answer again =
                server.send("POST", KEYS, "{\"name\":\"once\"}", server.key(), "Idempotency-Key", "k1");
        assertThat(again.status()).isEqualTo(409);
        assertThat(again.json().get("id").stringValue()).isEqualTo(id);
        assertThat(again.body()).doesNotContain("ph_live_");
        String rotate = KEYS + "/" + id + "/rotate";
        assertThat(server.send("POST", rotate, "", server.key(), "Idempotency-Key", "k2")
                        .status())
                .isEqualTo(200);
        KeyServer.Answer rotatedAgain = server.send("POST", rotate, "", server.key(), "Idempotency-Key", "k2");
        assertThat(rotatedAgain.status()).isEqualTo(409);
        assertThat(rotatedAgain.json().get("id").stringValue()).isEqualTo(id);
    }

    @Test
    void bad_input_is_answered_with_the_field_and_the_mend() throws Exception {
        assertInvalid("{}", "/name", "is missing");
        assertInvalid("{\"name\":\"\"}", "/name", "1 to 255");
        assertInvalid("{\"name\":\"a\",\"colour\":1}", "/colour", "unknown field");
        assertInvalid("{\"name\":\"a\",\"mode\":\"demo\"}", "/mode", "live or test");
        assertInvalid("{\"name\":\"a\",\"scopes\":[\"orders\"]}", "/scopes", "resource:action");
        assertInvalid("{\"name\":\"a\",\"scopes\":[1]}", "/scopes", "resource:action");
        assertInvalid("{\"name\":\"a\",\"expires_at\":\"soon\"}", "/expires_at", "2030-01-31T12:00:00Z");
        assertInvalid("{\"name\":\"a\",\"expires_at\":\"2020-01-01T00:00:00Z\"}", "/expires_at", "in the future");
        assertInvalid("{\"name\":\"a\",\"allowed_networks\":[\"10.1.2.3/8\"]}", "/allowed_networks", "10.0.0.0/8");
        assertInvalid("{\"name\":\"a\",\"rate_limits\":{\"default\":5}}", "/rate_limits", "period_seconds");
        assertInvalid("{\"name\":\"a\",\"credits\":-1}", "/credits", "remaining");
        assertInvalid("{\"name\":\"a\",\"metadata\":\"x\"}", "/metadata", "object");
        assertInvalid("{\"name\":\"a\\nb\"}", "/name", "no control characters");
        assertInvalid("{\"name\":\"a\\u202eb\"}", "/name", "no control characters");
        assertInvalid("{\"name\":\"a\\u0000b\"}", "/name", "U+0000");
        assertInvalid("{\"name\":\"a\",\"metadata\":{\"deep\":[\"\\u0000\"]}}", "/metadata", "U+0000");
        assertInvalid("{\"name\":\"a\",\"owner\":\"\\u0085\"}", "/owner", "no control characters");
        assertInvalid("{\"name\":\"" + "a".repeat(256) + "\"}", "/name", "1 to 255");
        for (String network :
                List.of("10.0.0.0/33", "300.1.1.1", "2001:db8::/129", "10.0.0.0/-1", "::ffff:10.0.0.0/104", "")) {
            assertInvalid("{\"name\":\"a\",\"allowed_networks\":[\"" + network + "\"]}", "/allowed_networks", "");
        }
        for (String limit : List.of("-1", "0", "1.5", "1e30", "\"5\"", "null")) {
            assertInvalid(
                    "{\"name\":\"a\",\"rate_limits\":{\"default\":{\"limit\":" + limit + ",\"period_seconds\":60}}}",
                    "/rate_limits",
                    "from 1 to 1000000000");
            assertInvalid(
                    "{\"name\":\"a\",\"rate_limits\":{\"default\":{\"limit\":1,\"period_seconds\":" + limit + "}}}",
                    "/rate_limits",
                    "31 days");
        }
        assertInvalid("{\"name\":\"a\",\"credits\":{\"remaining\":-1}}", "/credits", "remaining");
        assertInvalid(
                "{\"name\":\"a\",\"expires_at\":\"2030-02-31T00:00:00Z\"}", "/expires_at", "2030-01-31T12:00:00Z");
        for (String scope : List.of(
                "", ":", "a:", ":a", "a:b:c", "a b:c", "a*:b", "orders:read\\n", "ä:b", "a:" + "b".repeat(65))) {
            assertInvalid("{\"name\":\"a\",\"scopes\":[\"" + scope + "\"]}", "/scopes", "resource:action");
        }
        String id =
                server.call("POST", KEYS, "{\"name\":\"b\"}").json().get("id").stringValue();
        assertProblem(
                server.call("POST", KEYS + "/" + id + "/rotate", "{\"grace_seconds\":-1}"), 422, "/grace_seconds");
        assertProblem(server.call("POST", KEYS + "/" + UUID.randomUUID() + "/rotate", ""), 404, "");
        assertProblem(server.call("GET", KEYS + "/nonsense", ""), 404, "");
        assertProblem(server.call("POST", "/api-keys/verify", "{\"key\":1}"), 422, "/key");
        assertProblem(server.call("POST", "/api-keys/verify", "{\"key\":\"a\",\"ip\":\"example.com\"}"), 422, "/ip");
        assertProblem(server.call("POST", "/api-keys/verify", "{\"key\":\"a\",\"cost\":-1}"), 422, "/cost");
        assertProblem(server.call("POST", "/api-keys/verify", "{\"key\":\"a\",\"scopes\":\"x\"}"), 422, "/scopes");
        assertProblem(
                server.call("POST", "/api-keys/verify", "{\"key\":\"a\",\"rate_limit\":{\"limit\":1}}"),
                422,
                "/rate_limit");
        assertThat(server.call("GET", "/auth/forward?cost=many", "").body()).contains("cost must be a number");
    }

    @Test
    void a_wrong_setting_is_told_before_anything_is_started() {
        assertRefused(Setting.API_KEY_LIMITS_FAIL, "maybe", "must be open or closed");
        assertRefused(Setting.API_KEY_UNKNOWN_PER_SECOND, "0", "unknown.per.second");
        assertRefused(Setting.TRUSTED_PROXIES, "everybody", "trusted.proxies must be networks");
        assertRefused(Setting.LEAK_REPORT_KEYS, "/none", "leak.report.keys");
        assertRefused(Setting.MAX_IN_FLIGHT, "many", "max.in.flight");
        assertRefused(Setting.PORT, "65536", "port");
    }

    @Test
    void a_key_ends_itself_even_when_its_limit_is_used_up() throws Exception {
        String key = server.make(
                "{\"name\":\"found\",\"scopes\":[\"webhooks:read\"],\"rate_limits\":{\"default\":{\"limit\":1,\"period_seconds\":3600}}}");
        KeyServer.Answer allowed = server.send("GET", "/communities/ext:acme/endpoints", "", key);
        assertThat(allowed.status()).isEqualTo(200);
        assertThat(allowed.header("RateLimit-Policy")).isEqualTo("\"default\";q=1;w=3600");
        KeyServer.Answer limited = server.send("GET", "/communities/ext:acme/endpoints", "", key);
        assertThat(limited.status()).isEqualTo(429);
        assertThat(Integer.parseInt(limited.header("Retry-After"))).isBetween(1, 3600);
        assertThat(limited.header("RateLimit")).startsWith("\"default\";r=0;t=");
        assertThat(server.send("POST", "/api-keys/self-revoke", "", key).status())
                .isEqualTo(204);
        Eventually.until(
                "refused",
                () -> server.send("GET", "/communities/ext:acme/endpoints", "", key)
                                .status()
                        == 401);
        assertThat(server.send("GET", "/communities/ext:acme/endpoints", "", key)
                        .header("WWW-Authenticate"))
                .contains("error=\"invalid_token\"");
    }

    @Test
    void a_key_is_shown_once_and_stands_nowhere() throws Exception {
        KeyServer.Answer made = server.call("POST", KEYS, "{\"name\":\"canary\",\"scopes\":[\"*\"]}");
        String key = made.json().get("key").stringValue();
        String id = made.json().get("id").stringValue();
        String rotated = server.call("POST", KEYS + "/" + id + "/rotate", "")
                .json()
                .get("key")
                .stringValue();
        StringBuilder seen = new StringBuilder();
        for (String canary : List.of(key, rotated)) {
            seen.append(server.send("GET", KEYS + "/" + id, "", canary).body());
            seen.append(server.send("GET", KEYS, "", canary).body());
            seen.append(server.send("POST", KEYS, "{", canary).body());
            seen.append(server.send("GET", "/communities/ext:other", "", canary).body());
            seen.append(server.send("GET", "/communities/ext:acme", "", canary + "x")
                    .body());
            seen.append(server.send("GET", "/auth/forward", "", canary).body());
            seen.append(server.verify(canary, ""));
            seen.append(server.call("POST", "/api-keys/verify", "{\"key\":\"" + canary + "\",\"cost\":-1}")
                    .body());
        }
        seen.append(server.call("GET", "/audit-log?limit=250", "").body());
        server.call("POST", KEYS + "/" + id + "/revoke", "");
        seen.append(server.plain("/metrics"));
        seen.append(server.logged());
        server.node().close();
        server.restart();
        for (List<?> table : server.database()
                .query(
                        "SELECT c.oid::regclass FROM pg_class AS c WHERE relnamespace = 'posthorn'::regnamespace AND relkind IN ('r', 'p')")) {
            seen.append(server.database().query("SELECT t::text FROM " + table.get(0) + " AS t"));
        }
        assertThat(seen).contains(key.substring(0, 16), id, "posthorn_api_key_verifications_total");
        for (String canary : List.of(key, rotated)) {
            assertThat(seen)
                    .doesNotContain(canary)
                    .doesNotContain(canary.substring(16))
                    .doesNotContain(
                            HexFormat.of().formatHex(canary.substring(16).getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static void assertRefused(Setting setting, String value, String said) {
        // There is no database: whoever asked it first would say so.
        Settings settings =
                server.settings(Map.of(Setting.DATABASE_URL, "postgres://127.0.0.1:1/none", setting, value));
        assertThatThrownBy(() -> Node.start(settings, new DeliveryListener() {}))
                .hasMessageContaining(said);
    }

    private static void assertInvalid(String body, String pointer, String said) throws Exception {
        KeyServer.Answer answer = server.call("POST", KEYS, body);
        assertProblem(answer, 422, pointer);
        assertThat(answer.json().get("detail").stringValue()).contains(said);
    }
}
