package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.server.node.Node;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.testkit.Eventually;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Keys over REST: two nodes on one database. */
class ApiKeyRestTest {
    private static final String KEYS = "/communities/ext:acme/api-keys";

    @TempDir
    private static Path folder;

    private static KeyPair reporter;
    private static KeyServer server;

    @BeforeAll
    static void start() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        reporter = generator.generateKeyPair();
        Path file = folder.resolve("reporters.json");
        String pem = "-----BEGIN PUBLIC KEY-----\\n"
                + Base64.getEncoder().encodeToString(reporter.getPublic().getEncoded())
                + "\\n-----END PUBLIC KEY-----\\n";
        Files.writeString(
                file, "{\"public_keys\":[{\"key_identifier\":\"r1\",\"key\":\"" + pem + "\",\"is_current\":true}]}");
        server = new KeyServer(Map.of(Setting.LEAK_REPORT_KEYS, file.toString()));
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

        JsonNode valid = verify(key, "\"scopes\":[\"orders:read\"],\"ip\":\"192.0.2.7\"");
        assertThat(valid.get("code").stringValue()).isEqualTo("valid");
        assertThat(valid.get("metadata").get("plan").stringValue()).isEqualTo("gold");
        assertThat(valid.get("rate_limit").get("remaining").intValue()).isEqualTo(1);
        assertThat(valid.get("credits").intValue()).isEqualTo(99);
        assertThat(valid.get("mode").stringValue()).isEqualTo("test");
        assertThat(verify(key, "\"ip\":\"192.0.3.7\"").get("code").stringValue())
                .isEqualTo("ip_not_allowed");
        assertThat(verify(
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
                "let through", () -> verify(key, "\"cost\":0").get("valid").booleanValue());
        assertThat(verify(second, "\"cost\":0").get("valid").booleanValue()).isTrue();

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
                "revoked", () -> verify(second, "").get("code").stringValue().equals("revoked"));
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
    void service_keys_are_managed_by_service_keys_with_the_scope_and_by_nobody_else() throws Exception {
        KeyServer.Answer made = server.send(
                "POST",
                "/api-keys",
                "{\"name\":\"ops\",\"scopes\":[\"webhooks:read\"]}",
                server.key(),
                "Idempotency-Key",
                "s1");
        assertThat(made.status()).as(made.body()).isEqualTo(201);
        assertThat(made.header("Cache-Control")).isEqualTo("no-store");
        assertThat(made.json().get("community_id").isNull()).isTrue();
        String id = made.json().get("id").stringValue();
        String key = made.json().get("key").stringValue();
        KeyServer.Answer again =
                server.send("POST", "/api-keys", "{\"name\":\"ops\"}", server.key(), "Idempotency-Key", "s1");
        assertThat(again.status()).isEqualTo(409);
        assertThat(again.json().get("id").stringValue()).isEqualTo(id);
        assertThat(server.send("GET", "/communities/ext:acme/endpoints", "", key)
                        .status())
                .isEqualTo(200);
        assertThat(server.call("GET", "/api-keys?limit=250", "").body())
                .contains(id)
                .doesNotContain(key);
        assertThat(server.call("GET", "/api-keys/" + id + "/usage", "").status())
                .isEqualTo(200);
        assertThat(server.call("PATCH", "/api-keys/" + id, "{\"owner\":\"anna\"}")
                        .json()
                        .get("owner")
                        .stringValue())
                .isEqualTo("anna");
        String second = server.call("POST", "/api-keys/" + id + "/rotate", "")
                .json()
                .get("key")
                .stringValue();
        assertThat(server.send("GET", "/communities/ext:acme/endpoints", "", second)
                        .status())
                .isEqualTo(200);
        assertThat(server.call("POST", "/api-keys/" + id + "/disable", "")
                        .json()
                        .get("state")
                        .stringValue())
                .isEqualTo("disabled");
        assertThat(server.call("POST", "/api-keys/" + id + "/enable", "").status())
                .isEqualTo(200);

        // Of two owners, neither sees the other's through the wrong door.
        String acmes = server.call("POST", KEYS, "{\"name\":\"acme's\"}")
                .json()
                .get("id")
                .stringValue();
        assertProblem(server.call("GET", "/api-keys/" + acmes, ""), 404, "");
        assertProblem(server.call("POST", "/api-keys/" + acmes + "/revoke", ""), 404, "");
        assertProblem(server.call("GET", KEYS + "/" + id, ""), 404, "");
        assertProblem(server.call("POST", KEYS + "/" + id + "/rotate", ""), 404, "");

        // A key of a community, whatever its scopes, and a service key without the scope.
        String all = server.make("{\"name\":\"all\",\"scopes\":[\"*\"]}");
        for (String method : List.of("GET", "POST")) {
            assertProblem(server.send(method, "/api-keys", "{\"name\":\"a\"}", all), 404, "");
        }
        assertProblem(server.send("POST", "/api-keys/" + id + "/revoke", "", all), 404, "");
        String reader = server.serviceKey(List.of("keys:read"));
        assertThat(server.send("GET", "/api-keys/" + id, "", reader).status()).isEqualTo(200);
        assertProblem(server.send("POST", "/api-keys", "{\"name\":\"a\"}", reader), 403, "");
        assertProblem(server.send("POST", "/api-keys/" + id + "/revoke", "", reader), 403, "");
        String keeper = server.serviceKey(List.of("keys:write"));
        assertProblem(server.send("POST", "/api-keys", "{\"name\":\"a\",\"scopes\":[\"*\"]}", keeper), 403, "");
        assertProblem(server.send("POST", "/api-keys/" + id + "/rotate", "", keeper), 403, "");

        assertThat(server.send("POST", "/api-keys/" + id + "/revoke", "{\"reason\":\"over\"}", keeper)
                        .status())
                .isEqualTo(200);
        Eventually.until(
                "refused",
                () -> server.send("GET", "/communities/ext:acme/endpoints", "", second)
                                .status()
                        == 401);
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
        assertThat(log.valueStream().map(line -> line.get("actor").stringValue()))
                .allSatisfy(actor -> assertThat(actor).startsWith("key:"));
    }

    @Test
    void whoever_reads_or_rotates_a_signing_secret_is_in_the_audit_log() throws Exception {
        String endpoint = server.call(
                        "POST", "/communities/ext:acme/endpoints", "{\"url\":\"https://example.com/secret\"}")
                .json()
                .get("id")
                .stringValue();
        String secret = "/communities/ext:acme/endpoints/" + endpoint + "/secret";
        String reader = server.make("{\"name\":\"reader\",\"scopes\":[\"webhooks:read_secret\",\"webhooks:*\"]}");
        String readerId = server.database()
                .one("SELECT id FROM posthorn.api_keys WHERE prefix = '" + reader.substring(0, 16) + "'");
        // Secrets are made soon after the endpoint.
        Eventually.until(
                "the secret is made",
                () -> server.send("GET", secret, "", reader).status() == 200);
        String shown =
                server.send("GET", secret, "", reader).json().get("secret").stringValue();
        assertThat(server.send("POST", secret + "/rotate", "", reader).status()).isEqualTo(200);
        assertThat(server.send("GET", secret, "", server.make("{\"name\":\"none\"}"))
                        .status())
                .isEqualTo(403);
        JsonNode log = server.call("GET", "/audit-log?resource_id=" + endpoint, "")
                .json()
                .get("data");
        assertThat(log.get(0).get("action").stringValue()).isEqualTo("webhook_endpoint.secret_rotated");
        assertThat(log.get(1).get("action").stringValue()).isEqualTo("webhook_endpoint.secret_read");
        assertThat(log.valueStream()).allSatisfy(line -> {
            assertThat(line.get("actor").stringValue()).isEqualTo("key:" + readerId);
            assertThat(line.get("community_id").isNull()).isFalse();
            assertThat(line.toString()).doesNotContain(shown);
        });
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

    private static void assertRefused(Setting setting, String value, String said) {
        // There is no database: whoever asked it first would say so.
        Settings settings =
                server.settings(Map.of(Setting.DATABASE_URL, "postgres://127.0.0.1:1/none", setting, value));
        assertThatThrownBy(() -> Node.start(settings, new DeliveryListener() {}))
                .hasMessageContaining(said);
    }

    @Test
    void a_communitys_key_stays_within_it_and_gives_no_scope_that_it_lacks() throws Exception {
        String keeper = server.make(
                "{\"name\":\"keeper\",\"scopes\":[\"keys:*\",\"orders:*\",\"audit:read\",\"webhooks:write\"]}");
        assertThat(server.send("POST", KEYS, "{\"name\":\"a\",\"scopes\":[\"orders:read\"]}", keeper)
                        .status())
                .isEqualTo(201);
        assertProblem(server.send("POST", KEYS, "{\"name\":\"a\",\"scopes\":[\"*\"]}", keeper), 403, "");
        assertProblem(server.send("POST", "/communities/ext:other/api-keys", "{\"name\":\"a\"}", keeper), 404, "");
        String all = server.call("POST", KEYS, "{\"name\":\"all\",\"scopes\":[\"*\"]}")
                .json()
                .get("id")
                .stringValue();
        assertProblem(server.send("POST", KEYS + "/" + all + "/rotate", "", keeper), 403, "");
        String foreign = server.call("POST", "/communities/ext:other/api-keys", "{\"name\":\"theirs\"}")
                .json()
                .get("key")
                .stringValue();
        assertThat(server.send("POST", "/api-keys/verify", "{\"key\":\"" + foreign + "\"}", keeper)
                        .json()
                        .get("code")
                        .stringValue())
                .isEqualTo("unknown");
        assertThat(server.send("POST", "/api-keys/verify", "{\"key\":\"" + keeper + "\"}", keeper)
                        .json()
                        .get("valid")
                        .booleanValue())
                .isTrue();
        JsonNode log =
                server.send("GET", "/audit-log?limit=250", "", keeper).json().get("data");
        assertThat(log.valueStream().map(line -> line.get("community_id").stringValue()))
                .isNotEmpty()
                .containsOnly(server.database().one("SELECT id FROM posthorn.communities WHERE external_id = 'acme'"));
        // It writes webhooks, and sees what it wrote, as a member: row level security is below the routes.
        KeyServer.Answer endpoint =
                server.send("POST", "/communities/ext:acme/endpoints", "{\"url\":\"https://example.com/\"}", keeper);
        assertThat(endpoint.status()).as(endpoint.body()).isEqualTo(201);
        assertProblem(server.send("GET", "/communities/ext:acme/endpoints", "", keeper), 403, "");
        assertProblem(
                server.send("GET", "/communities/ext:acme/stats", "", server.make("{\"name\":\"none\"}")), 403, "");

        String small = server.serviceKey(List.of("keys:write", "communities:read"));
        assertThat(server.send("GET", "/communities", "", small).status()).isEqualTo(200);
        assertProblem(server.send("POST", KEYS, "{\"name\":\"a\",\"scopes\":[\"*\"]}", small), 403, "");
        assertProblem(server.send("POST", KEYS + "/" + all + "/rotate", "", small), 403, "");
    }

    @Test
    void a_communitys_key_does_through_row_level_security_all_that_its_scopes_say() throws Exception {
        String key = server.make(
                "{\"name\":\"developer\",\"scopes\":[\"webhooks:*\",\"events:*\",\"communities:*\",\"keys:read\"]}");
        String community = "/communities/ext:acme";
        String endpoint = created(
                key, community + "/endpoints", "{\"url\":\"https://example.com/\",\"event_types\":[\"row.*\"]}");
        String one = community + "/endpoints/" + endpoint;
        String event = created(key, community + "/events", "{\"event_type\":\"row.made\",\"payload\":{}}");
        JsonNode shown =
                server.send("GET", community + "/events/" + event, "", key).json();
        assertThat(shown.get("deliveries").size()).isEqualTo(1);
        String delivery = shown.get("deliveries").get(0).get("id").stringValue();
        for (String path : List.of(
                community,
                community + "/endpoints",
                one,
                one + "/secret",
                community + "/events",
                community + "/deliveries",
                community + "/deliveries/" + delivery,
                community + "/deliveries/" + delivery + "/attempts",
                community + "/stats",
                community + "/redeliveries",
                KEYS,
                "/event-types")) {
            assertThat(server.send("GET", path, "", key)).as(path).matches(answer -> answer.status() == 200);
        }
        assertThat(server.send("GET", community + "/endpoints", "", key)
                        .json()
                        .get("data")
                        .size())
                .isPositive();
        assertThat(server.send("PATCH", community, "{\"metadata\":{\"a\":1}}", key)
                        .status())
                .isEqualTo(200);
        assertThat(server.send("PATCH", one, "{\"description\":\"new\",\"enabled\":false}", key)
                        .status())
                .isEqualTo(200);
        assertThat(server.send("POST", one + "/enable", "", key).status()).isEqualTo(200);
        assertThat(server.send("POST", one + "/secret/rotate", "", key).status())
                .isEqualTo(200);
        assertThat(server.send("POST", one + "/redeliver", "{\"what\":\"failed\"}", key)
                        .status())
                .isEqualTo(202);
        assertThat(server.send("POST", community + "/deliveries/" + delivery + "/cancel", "", key)
                        .status())
                .isIn(200, 409);
        assertThat(server.send("DELETE", one, "", key).status()).isEqualTo(204);
        assertProblem(server.send("GET", "/communities", "", key), 404, "");
        assertProblem(server.send("POST", "/event-types", "{\"name\":\"row\"}", key), 404, "");
    }

    private static String created(String key, String path, String body) throws Exception {
        KeyServer.Answer answer = server.send("POST", path, body, key);
        assertThat(answer.status()).as(answer.body()).isBetween(201, 202);
        return answer.json().get("id").stringValue();
    }

    @Test
    void what_is_asked_of_a_key_is_the_proxys_to_say() throws Exception {
        String key = server.make("{\"name\":\"proxied\",\"scopes\":[\"orders:read\"],\"owner\":\"Zoë & Co\","
                + "\"rate_limits\":{\"default\":{\"limit\":2,\"period_seconds\":3600}}}");
        KeyServer.Answer allowed = server.send("GET", "/auth/forward?scope=orders:read", "", key);
        assertThat(allowed.status()).isEqualTo(200);
        assertThat(allowed.header("Posthorn-Key-Scopes")).isEqualTo("orders:read");
        assertThat(allowed.header("Posthorn-Key-Owner")).isEqualTo("Zo%C3%AB%20%26%20Co");
        assertThat(allowed.header("Cache-Control")).isEqualTo("no-store");
        KeyServer.Answer lacking = server.send("POST", "/auth/forward?scope=orders:read,orders:write", "", key);
        assertThat(lacking.status()).isEqualTo(403);
        assertThat(lacking.header("WWW-Authenticate"))
                .contains("insufficient_scope", "scope=\"orders:read orders:write\"");
        assertThat(server.send("GET", "/auth/forward?community=ext:other", "", key)
                        .status())
                .isEqualTo(401);
        assertThat(server.send("GET", "/auth/forward", "", key, "X-Forwarded-For", "192.0.2.1")
                        .status())
                .isEqualTo(200);
        assertThat(server.send("GET", "/auth/forward", "", key).status()).isEqualTo(429);
        KeyServer.Answer limited = server.send("GET", "/auth/forward?limited_status=403", "", key);
        assertThat(limited.status()).isEqualTo(403);
        assertThat(limited.header("Posthorn-Code")).isEqualTo("rate_limited");
        assertThat(server.send("GET", "/auth/forward?cost=0", "", key).status()).isEqualTo(200);
        // Envoy appends what the client asked for: not its word counts, but the headers that Envoy sets.
        for (String path :
                List.of("/auth/forward/?cost=0", "/auth/forward/orders?cost=0&limit=none", "/auth/forward//?cost=0")) {
            assertThat(server.send("GET", path, "", key).status()).as(path).isNotEqualTo(200);
        }
        assertThat(server.send("GET", "/auth/forward/", "", key, "Posthorn-Cost", "0", "Posthorn-Scope", "orders:read")
                        .status())
                .isEqualTo(200);
        assertThat(server.send("DELETE", "/auth/forward/orders/7", "", key, "Posthorn-Scope", "orders:write")
                        .status())
                .isEqualTo(403);
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
    void a_reported_key_is_revoked_and_announced_and_a_report_needs_a_signature() throws Exception {
        String key = server.make("{\"name\":\"leaked\"}");
        String unknown = ApiKey.generate(ApiKey.Mode.LIVE).text();
        String report = "[{\"token\":\"" + key
                + "\",\"type\":\"posthorn\",\"url\":\"https://example.com/a\",\"source\":\"content\"},"
                + "{\"token\":\"" + unknown + "\",\"type\":\"posthorn\",\"url\":\"\"},{\"token\":\"nonsense\"}]";
        assertThat(server.send("POST", "/api-keys/leaks", report, "").status()).isEqualTo(401);
        assertThat(leak(report, "r2", sign(report)).status()).isEqualTo(401);
        assertThat(leak(report, "r1", sign(report + " ")).status()).isEqualTo(401);
        assertThat(leak(report, "r1", "nonsense").status()).isEqualTo(401);
        assertThat(verify(key, "").get("valid").booleanValue()).isTrue();
        KeyServer.Answer answer = leak(report, "r1", sign(report));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().valueStream().map(one -> one.get("label").stringValue()))
                .containsExactly("true_positive", "false_positive", "false_positive");
        assertThat(answer.body()).doesNotContain(key);
        Eventually.until(
                "revoked", () -> verify(key, "").get("code").stringValue().equals("revoked"));
        assertThat(server.database()
                        .query("SELECT event_type FROM posthorn.webhook_events WHERE payload ->> 'prefix' = '"
                                + key.substring(0, 16) + "' ORDER BY id"))
                .containsExactly(List.of("api_key.created"), List.of("api_key.revoked"), List.of("api_key.exposed"));
        assertThat(leak("{}", "r1", sign("{}")).status()).isEqualTo(422);
        assertThat(leak("[", "r1", sign("[")).status()).isEqualTo(400);
        assertThat(leak("[{\"token\":1}]", "r1", sign("[{\"token\":1}]")).status())
                .isEqualTo(422);
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
            seen.append(verify(canary, ""));
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

    private static JsonNode verify(String key, String more) throws Exception {
        KeyServer.Answer answer = server.call(
                "POST", "/api-keys/verify", "{\"key\":\"" + key + "\"" + (more.isEmpty() ? "" : "," + more) + "}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json();
    }

    private static String sign(String body) throws Exception {
        Signature signature = Signature.getInstance("SHA256withECDSA");
        signature.initSign(reporter.getPrivate());
        signature.update(body.getBytes(StandardCharsets.UTF_8));
        return Base64.getEncoder().encodeToString(signature.sign());
    }

    private static KeyServer.Answer leak(String body, String identifier, String signature) throws Exception {
        return server.send(
                "POST",
                "/api-keys/leaks",
                body,
                "",
                "Github-Public-Key-Identifier",
                identifier,
                "Github-Public-Key-Signature",
                signature);
    }

    private static void assertInvalid(String body, String pointer, String said) throws Exception {
        KeyServer.Answer answer = server.call("POST", KEYS, body);
        assertProblem(answer, 422, pointer);
        assertThat(answer.json().get("detail").stringValue()).contains(said);
    }

    private static void assertProblem(KeyServer.Answer answer, int status, String pointer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.body()).doesNotContain("Exception", "SELECT ");
        if (!pointer.isEmpty()) {
            assertThat(answer.json().get("errors").get(0).get("pointer").stringValue())
                    .isEqualTo(pointer);
        }
    }
}
