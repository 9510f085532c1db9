package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.server.KeyServer.Answer;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class SecretRestTest {
    private static final String BASE = "/communities/ext:acme/secrets";
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
    void a_secret_is_put_rotated_changed_and_deleted_and_its_value_never_comes_back() throws Exception {
        Answer made = server.call(
                "POST",
                BASE,
                "{\"name\":\"bank\",\"purpose\":\"gateway\",\"description\":\"of the branch\",\"value\":{\"user\":\"anna\",\"password\":\"hunter2\"}}");
        assertThat(made.status()).isEqualTo(201);
        assertThat(made.header("Cache-Control")).isEqualTo("no-store");
        JsonNode secret = made.json();
        String one = BASE + "/" + secret.get("id").stringValue();
        assertThat(secret.get("fields").toString()).isEqualTo("[\"user\",\"password\"]");
        assertThat(secret.get("version").intValue()).isEqualTo(1);
        assertThat(secret.get("state").stringValue()).isEqualTo("active");
        Answer replaced = server.call("PUT", one, "{\"value\":\"hunter3\",\"expires_at\":\"2099-01-01T00:00:00Z\"}");
        assertThat(replaced.json().get("version").intValue()).isEqualTo(2);
        assertThat(replaced.json().get("fields").isNull()).isTrue();
        Answer rotated = server.call("POST", one + "/rotate", "{\"value\":\"hunter4\",\"overlap_seconds\":60}");
        assertThat(rotated.json().get("version").intValue()).isEqualTo(3);
        assertThat(rotated.json().get("previous_until").isString()).isTrue();
        assertThat(rotated.json().get("expires_at").stringValue()).startsWith("2099-01-01");
        Answer changed = server.call("PATCH", one, "{\"description\":\"closed\",\"expires_at\":null}");
        assertThat(changed.json().get("description").stringValue()).isEqualTo("closed");
        assertThat(changed.json().get("expires_at").isNull()).isTrue();
        Answer read = server.call("GET", one, "");
        Answer list = server.call("GET", BASE + "?purpose=gateway&name=bank", "");
        assertThat(list.json().get("data").size()).isEqualTo(1);
        for (Answer answer : List.of(made, replaced, rotated, changed, read, list)) {
            assertThat(answer.body()).doesNotContain("hunter").doesNotContain("anna");
            assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        }
        assertThat(server.call("DELETE", one, "").status()).isEqualTo(204);
        assertThat(server.call("DELETE", one, "").status()).isEqualTo(404);
        assertThat(server.call("GET", one, "").status()).isEqualTo(404);
        Answer log =
                server.call("GET", "/audit-log?resource_id=" + secret.get("id").stringValue(), "");
        assertThat(log.json().get("data").findValuesAsString("action"))
                .containsExactly(
                        "secret.deleted", "secret.changed", "secret.rotated", "secret.replaced", "secret.created");
        assertThat(log.body()).doesNotContain("hunter").contains("key:");
    }

    @Test
    void scopes_and_communities_keep_secrets_apart() throws Exception {
        String id = server.call("POST", BASE, "{\"name\":\"apart\",\"value\":\"v\"}")
                .json()
                .get("id")
                .stringValue();
        String reader = server.make("{\"name\":\"r\",\"scopes\":[\"secrets:read\"]}");
        String writer = server.make("{\"name\":\"w\",\"scopes\":[\"secrets:write\"]}");
        assertThat(server.send("GET", BASE + "/" + id, "", reader).status()).isEqualTo(200);
        assertThat(server.send("PUT", BASE + "/" + id, "{\"value\":\"x\"}", reader)
                        .status())
                .isEqualTo(403);
        assertThat(server.send("PUT", BASE + "/" + id, "{\"value\":\"x\"}", writer)
                        .status())
                .isEqualTo(200);
        assertThat(server.send("GET", BASE, "", writer).status()).isEqualTo(403);
        assertThat(server.send("GET", "/communities/ext:other/secrets", "", reader)
                        .status())
                .isEqualTo(404);
        assertThat(server.call("GET", "/communities/ext:other/secrets/" + id, "")
                        .status())
                .isEqualTo(404);
        assertThat(server.call("PUT", "/communities/ext:other/secrets/" + id, "{\"value\":\"x\"}")
                        .status())
                .isEqualTo(404);
        assertThat(server.call("DELETE", "/communities/ext:other/secrets/" + id, "")
                        .status())
                .isEqualTo(404);
        String blind = server.make("{\"name\":\"b\",\"scopes\":[\"webhooks:read\"]}");
        assertThat(server.send("GET", BASE + "/" + id, "", blind).status()).isEqualTo(403);
        Answer refused = server.send("POST", BASE, "{\"name\":\"ref\",\"reference\":\"supabase:x\"}", writer);
        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.body()).contains("service key");
    }

    @Test
    void a_repetition_with_an_idempotency_key_writes_nothing_more() throws Exception {
        String body = "{\"name\":\"once\",\"value\":\"v\"}";
        Answer first = server.send("POST", BASE, body, server.key(), "Idempotency-Key", "once-1");
        Answer again = server.send("POST", BASE, body, server.key(), "Idempotency-Key", "once-1");
        assertThat(first.status()).isEqualTo(201);
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.json().get("id")).isEqualTo(first.json().get("id"));
        assertThat(again.json().get("version").intValue()).isEqualTo(1);
        assertThat(server.send("POST", BASE, body.replace("\"v\"", "\"w\""), server.key(), "Idempotency-Key", "once-1")
                        .status())
                .isEqualTo(409);
        assertThat(server.call("POST", BASE, body).status()).isEqualTo(409);
    }

    @Test
    void what_is_wrong_is_named_and_nothing_that_was_sent_is_repeated() throws Exception {
        String id = server.call("POST", BASE, "{\"name\":\"wrong\",\"value\":\"v\"}")
                .json()
                .get("id")
                .stringValue();
        wrong(400, "", "POST", BASE, "canary");
        wrong(400, "", "POST", BASE, "[\"canary\"]");
        wrong(422, "", "POST", BASE, "{\"name\":\"x\",\"value\":\"v\",\"canary\":1}");
        wrong(422, "/name", "POST", BASE, "{\"value\":\"canary\"}");
        wrong(422, "/name", "POST", BASE, "{\"name\":\"\",\"value\":\"canary\"}");
        wrong(422, "/purpose", "POST", BASE, "{\"name\":\"x\",\"purpose\":\"endpoint_signing\",\"value\":\"canary\"}");
        wrong(422, "/value", "POST", BASE, "{\"name\":\"x\"}");
        wrong(422, "/value", "POST", BASE, "{\"name\":\"x\",\"value\":[\"canary\"]}");
        wrong(422, "/value", "POST", BASE, "{\"name\":\"x\",\"value\":{\"a\":{\"b\":\"canary\"}}}");
        wrong(422, "/value", "POST", BASE, "{\"name\":\"x\",\"value\":\"\"}");
        wrong(413, "", "POST", BASE, "{\"name\":\"x\",\"value\":\"canary" + "x".repeat(65_536) + "\"}");
        wrong(
                422,
                "/expires_at",
                "PUT",
                BASE + "/" + id,
                "{\"value\":\"canary\",\"expires_at\":\"2001-01-01T00:00:00Z\"}");
        wrong(422, "/expires_at", "PATCH", BASE + "/" + id, "{\"expires_at\":\"soon\"}");
        wrong(
                422,
                "/overlap_seconds",
                "POST",
                BASE + "/" + id + "/rotate",
                "{\"value\":\"canary\",\"overlap_seconds\":-1}");
        wrong(422, "/reference", "POST", BASE, "{\"name\":\"x\",\"reference\":\"bare\"}");
        wrong(404, "", "PUT", BASE + "/nonsense", "{\"value\":\"canary\"}");
        assertThat(server.logged()).doesNotContain("canary");
    }

    private static void wrong(int status, String pointer, String method, String path, String body) throws Exception {
        Answer answer = server.call(method, path, body);
        assertThat(answer.status()).as(body).isEqualTo(status);
        assertThat(answer.body()).doesNotContain("canary");
        assertThat(answer.http().headers().firstValue("Content-Type")).contains("application/problem+json");
        if (!pointer.isEmpty()) {
            assertThat(answer.json().get("errors").get(0).get("pointer").stringValue())
                    .as(body)
                    .isEqualTo(pointer);
        }
    }

    @Test
    void the_secret_of_an_endpoint_is_seen_there_and_changed_where_the_endpoint_is() throws Exception {
        String endpoint = server.call(
                        "POST", "/communities/ext:acme/endpoints", "{\"url\":\"https://example.com/hook\"}")
                .json()
                .get("id")
                .stringValue();
        server.call("GET", "/communities/ext:acme/endpoints/" + endpoint + "/secret", "");
        server.call("POST", "/communities/ext:acme/endpoints/" + endpoint + "/secret/rotate", "");
        JsonNode owned = server.call("GET", BASE + "?owner_id=" + endpoint, "")
                .json()
                .get("data")
                .get(0);
        assertThat(owned.get("purpose").stringValue()).isEqualTo("endpoint_signing");
        Answer refused = server.call("PUT", BASE + "/" + owned.get("id").stringValue(), "{\"value\":\"guessed\"}");
        assertThat(refused.status()).isEqualTo(409);
        assertThat(refused.body()).contains("change it there");
        assertThat(server.call("GET", "/audit-log?resource_id=" + endpoint, "")
                        .json()
                        .get("data")
                        .findValuesAsString("action"))
                .containsExactly("webhook_endpoint.secret_rotated", "webhook_endpoint.secret_read");
    }
}
