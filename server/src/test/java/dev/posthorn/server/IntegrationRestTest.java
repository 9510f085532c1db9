package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.posthorn.server.KeyServer.Answer;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.testkit.Eventually;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Integrations as somebody connects them who has nothing but REST. */
class IntegrationRestTest {
    private static final String ALL = "/communities/ext:acme/integrations";
    private static KeyServer server;
    private static HttpServer erp;

    @BeforeAll
    static void start() throws Exception {
        erp = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        erp.createContext("/invoices", exchange -> {
            boolean known = "Bearer erp-token-9f8e7d"
                    .equals(exchange.getRequestHeaders().getFirst("Authorization"));
            byte[] answer = (known
                            ? "{\"data\": [{\"id\": 1, \"amount\": 10.50}, {\"id\": 2, \"amount\": 123456789012345678901234.5}]}"
                            : "{}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(known ? 200 : 401, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        erp.start();
        server = new KeyServer(Map.of(Setting.ALLOWED_NETWORKS, "127.0.0.1/32"));
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
        erp.stop(0);
    }

    @Test
    void an_erp_is_connected_checked_and_read() throws Exception {
        String id = create("""
                {"name": "ERP", "connector": "http-json",
                 "config": {"url": "http://127.0.0.1:%d/invoices", "auth": {"type": "bearer"}, "records": {"at": "/data", "type": "invoice"}}}
                """.formatted(erp.getAddress().getPort()));
        String one = ALL + "/" + id;
        assertThat(server.call("GET", one, "").json().get("health").stringValue())
                .isEqualTo("never_ran");

        Answer wrong = server.call("PUT", one + "/credentials", "{\"token\": \"not-the-token\"}");
        assertThat(wrong.status()).as(wrong.body()).isEqualTo(200);
        Answer check = server.call("POST", one + "/check", "");
        assertThat(check.json().get("ok").booleanValue()).isFalse();
        assertThat(check.json().get("error_class").stringValue()).isEqualTo("credentials");
        assertThat(check.json().get("person_must_act").booleanValue()).isTrue();

        server.call("PUT", one + "/credentials", "{\"token\": \"erp-token-9f8e7d\"}");
        assertThat(server.call("POST", one + "/check", "").json().get("ok").booleanValue())
                .isTrue();
        Answer run = server.call("POST", one + "/runs", "");
        assertThat(run.status()).as(run.body()).isEqualTo(202);
        String path = one + "/runs/" + run.json().get("id").stringValue();
        Eventually.until("completed", () -> status(path).equals("completed"));
        assertThat(server.call("GET", path, "").json().get("records_created").intValue())
                .isEqualTo(2);
        assertThat(server.call("GET", path + "/log", "").body()).contains("reads from the beginning");
        Answer records = server.call("GET", one + "/records?type=invoice&external_id=2", "");
        assertThat(records.body()).contains("123456789012345678901234.5").doesNotContain("\"external_id\": \"1\"");
        assertThat(server.call("GET", one, "").json().get("health").stringValue())
                .isEqualTo("healthy");

        // Nothing shows what was stored.
        for (String shown : new String[] {one, path, path + "/log", one + "/records", one + "/issues", "/audit-log"}) {
            assertThat(server.call("GET", shown, "").body())
                    .doesNotContain("erp-token")
                    .doesNotContain("not-the-token");
        }
        assertThat(server.call("DELETE", one, "").status()).isEqualTo(204);
        assertThat(server.call("GET", one, "").status()).isEqualTo(404);
        assertThat(server.database().query("SELECT id FROM posthorn.vault_secrets WHERE owner_id = '" + id + "'"))
                .isEmpty();
    }

    @Test
    void credentials_may_come_with_the_integration_and_are_then_used_by_its_very_first_run() throws Exception {
        String config =
                "\"config\": {\"url\": \"http://127.0.0.1:" + erp.getAddress().getPort()
                        + "/invoices\", \"auth\": {\"type\": \"bearer\"}, \"records\": {\"at\": \"/data\", \"type\": \"invoice\"}},"
                        + " \"interval_seconds\": 3600";
        String waits = ALL + "/" + create("{\"name\": \"Waits\", \"connector\": \"http-json\", " + config + "}");
        Answer created = server.call(
                "POST",
                ALL,
                "{\"name\": \"At once\", \"connector\": \"http-json\", " + config
                        + ", \"credentials\": {\"token\": \"erp-token-9f8e7d\"}}");
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        assertThat(created.header("Cache-Control")).isEqualTo("no-store");
        assertThat(created.body()).doesNotContain("erp-token");
        String one = ALL + "/" + created.json().get("id").stringValue();
        Eventually.until("healthy", () -> health(one).equals("healthy"));
        // Looked at before the other one, and not read.
        assertThat(server.call("GET", waits + "/runs", "").json().get("data").isEmpty())
                .isTrue();
        assertThat(health(waits)).isEqualTo("never_ran");
        assertThat(server.call("PUT", waits + "/credentials", "{\"token\": \"erp-token-9f8e7d\"}")
                        .status())
                .isEqualTo(200);
        Eventually.until("healthy", () -> health(waits).equals("healthy"));

        assertInvalid(
                "{\"name\": \"x\", \"connector\": \"http-json\", " + config
                        + ", \"credentials\": {\"tokn\": \"erp-token-9\"}}",
                "/credentials",
                "tokn");
        // What the integration's own settings are refused for leaves no secret behind.
        String secrets = "SELECT count(*) FROM posthorn.vault_secrets WHERE purpose = 'integration'";
        String before = server.database().one(secrets);
        assertInvalid(
                "{\"name\": \"x\", \"connector\": \"http-json\", " + config.replace("3600", "1")
                        + ", \"credentials\": {\"token\": \"erp-token-9\"}}",
                "/interval_seconds",
                "from 10");
        assertThat(server.database().one(secrets)).isEqualTo(before);
    }

    private static String health(String integration) {
        try {
            return server.call("GET", integration, "").json().get("health").stringValue();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void only_one_run_at_a_time_and_none_while_paused() throws Exception {
        String one = ALL + "/" + create("""
                {"name": "Slow", "connector": "http-json", "config": {"url": "http://127.0.0.1:1/", "records": {}}}
                """);
        server.call("POST", one + "/pause", "");
        Answer paused = server.call("POST", one + "/runs", "");
        assertThat(paused.status()).isEqualTo(409);
        assertThat(paused.body()).contains("Resume it first");
        assertThat(server.call("POST", one + "/resume", "")
                        .json()
                        .get("paused_at")
                        .isNull())
                .isTrue();
        Answer first = server.call("POST", one + "/runs", "");
        String run = one + "/runs/" + first.json().get("id").stringValue();
        Eventually.until("retrying", () -> status(run).equals("retrying"));
        // Asked for again, it is tried at once instead of after 30 seconds.
        Answer again = server.call("POST", one + "/runs", "");
        assertThat(again.status()).as(again.body()).isEqualTo(202);
        assertThat(again.json().get("id")).isEqualTo(first.json().get("id"));
        assertThat(server.call("POST", run + "/cancel", "").status()).isIn(200, 409);
        Eventually.until("cancelled", () -> status(run).equals("cancelled"));
        assertThat(server.call("POST", run + "/cancel", "").status()).isEqualTo(409);
    }

    @Test
    void a_push_is_verified_saved_once_and_refused_when_forged() throws Exception {
        String id = create("""
                {"name": "Gate", "connector": "push",
                 "config": {"verification": {"type": "github"}, "records": {"type": "plate_read"}}}
                """);
        String one = ALL + "/" + id;
        String body = "{\"id\": \"read-17\", \"plate\": \"ZH 123456\"}";
        assertThat(push(id, body, "sha256=00").status()).isEqualTo(503);
        Answer stored = server.call("PUT", one + "/credentials", "{\"secret\": \"gate-secret-1\"}");
        assertThat(stored.status()).as(stored.body()).isEqualTo(200);
        String signature = "sha256=" + hmac("gate-secret-1", body);
        assertThat(push(id, body, "sha256=00").status()).isEqualTo(401);
        Answer saved = push(id, body, signature);
        assertThat(saved.status()).as(saved.body()).isEqualTo(200);
        assertThat(saved.json().get("duplicate").booleanValue()).isFalse();
        assertThat(push(id, body, signature).json().get("duplicate").booleanValue())
                .isTrue();
        assertThat(server.call("GET", one + "/records", "").json().get("data").size())
                .isEqualTo(1);
        assertThat(server.database()
                        .one(
                                "SELECT count(*) FROM posthorn.webhook_events WHERE event_type = 'integration.record.created'"
                                        + " AND payload ->> 'external_id' = 'read-17'"))
                .isEqualTo("1");
        assertThat(push("01990000-0000-7000-8000-000000000000", body, signature).status())
                .isEqualTo(404);
        server.call("POST", one + "/pause", "");
        assertThat(push(id, body, signature).status()).isEqualTo(404);
    }

    @Test
    void bad_input_is_named_with_the_mend() throws Exception {
        assertInvalid("{\"name\": \"x\", \"connector\": \"fax\"}", "/connector", "there is no connector \\\"fax\\\"");
        assertInvalid("{\"name\": \"x\", \"connector\": \"http-json\"}", "/config", "url");
        String config = "\"config\": {\"url\": \"https://example.com/\", \"records\": {}}";
        assertInvalid(
                "{\"name\": \"x\", \"connector\": \"http-json\", " + config + ", \"cron\": \"30 6 * * *\"}",
                "/cron",
                "six fields");
        assertInvalid(
                "{\"name\": \"x\", \"connector\": \"http-json\", " + config
                        + ", \"cron\": \"@daily\", \"time_zone\": \"Mars\"}",
                "/time_zone",
                "IANA");
        assertInvalid(
                "{\"name\": \"x\", \"connector\": \"http-json\", " + config + ", \"interval_seconds\": 1}",
                "/interval_seconds",
                "from 10");
        assertInvalid(
                "{\"name\": \"x\", \"connector\": \"http-json\", " + config
                        + ", \"vault_secret_id\": \"01990000-0000-7000-8000-000000000000\"}",
                "/vault_secret_id",
                "same community");
        assertThat(server.call("POST", ALL, "{\"name\": \"x\", \"colour\": 1}").body())
                .contains("/colour");
    }

    @Test
    void another_community_sees_nothing_and_a_reader_changes_nothing() throws Exception {
        String id = create("""
                {"name": "Mine", "connector": "http-json", "config": {"url": "https://example.com/", "records": {}}}
                """);
        String reader = server.make("{\"name\": \"reader\", \"scopes\": [\"integrations:read\"]}");
        assertThat(server.send("GET", ALL + "/" + id, "", reader).status()).isEqualTo(200);
        assertThat(server.send("POST", ALL + "/" + id + "/runs", "", reader).status())
                .isEqualTo(403);
        String stranger = server.call(
                        "POST", "/communities/ext:other/api-keys", "{\"name\": \"s\", \"scopes\": [\"*\"]}")
                .json()
                .get("key")
                .stringValue();
        for (String path : new String[] {"", "/runs", "/records", "/issues"}) {
            assertThat(server.send("GET", "/communities/ext:other/integrations/" + id + path, "", stranger)
                            .status())
                    .isEqualTo(404);
            assertThat(server.send("GET", ALL + "/" + id + path, "", stranger).status())
                    .isEqualTo(404);
        }
        assertThat(server.send("POST", "/communities/ext:other/integrations/" + id + "/runs", "", stranger)
                        .status())
                .isEqualTo(404);
    }

    @Test
    void connectors_are_described() throws Exception {
        Answer connectors = server.call("GET", "/connectors", "");
        assertThat(connectors.body()).contains("\"name\":\"http-json\"").contains("\"direction\":\"push\"");
        assertThat(server.call("GET", "/connectors/http-json", "")
                        .json()
                        .get("configuration")
                        .get("type")
                        .stringValue())
                .isEqualTo("object");
        assertThat(server.call("GET", "/connectors/fax", "").status()).isEqualTo(404);
    }

    private static String create(String body) throws Exception {
        Answer created = server.call("POST", ALL, body);
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return created.json().get("id").stringValue();
    }

    private static void assertInvalid(String body, String pointer, String detail) throws Exception {
        Answer answer = server.call("POST", ALL, body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(422);
        assertThat(answer.body()).contains("\"pointer\":\"" + pointer).contains(detail);
    }

    private static Answer push(String integration, String body, String signature) throws Exception {
        return server.send(
                "POST",
                "/push/" + integration,
                body,
                "",
                "X-Hub-Signature-256",
                signature,
                "Content-Type",
                "application/json");
    }

    private static String hmac(String secret, String body) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
        return HexFormat.of().formatHex(mac.doFinal(body.getBytes(StandardCharsets.UTF_8)));
    }

    private static String status(String run) {
        try {
            return server.call("GET", run, "").json().get("status").stringValue();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
