package dev.posthorn.server;

import static dev.posthorn.server.KeyServer.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.Eventually;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What whose key may do over REST. */
class ApiKeyRightsRestTest {
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

    private static String created(String key, String path, String body) throws Exception {
        KeyServer.Answer answer = server.send("POST", path, body, key);
        assertThat(answer.status()).as(answer.body()).isBetween(201, 202);
        return answer.json().get("id").stringValue();
    }
}
