package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.server.KeyServer.Answer;
import dev.posthorn.server.node.Egress;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.signing.WebhookPublicKey;
import dev.posthorn.signing.WebhookVerifier;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestAuthority;
import dev.posthorn.testkit.TestAuthority.Identity;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Received;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How requests are made, set by REST with a community's own key, and seen by a receiver that insists on mutual TLS. */
class CredentialsRestTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final TestAuthority AUTHORITY = new TestAuthority("Operator CA");
    private static final Identity CLIENT = AUTHORITY.client("acme");

    @TempDir
    static Path folder;

    private static TestReceiver receiver;
    private static TestReceiver tokens;
    private static KeyServer server;
    private static String member;
    private static int made;

    @BeforeAll
    static void start() throws Exception {
        Path authorities = folder.resolve("ca.pem");
        Files.writeString(authorities, AUTHORITY.certificatePem());
        receiver = TestReceiver.start(AUTHORITY.serverContext(AUTHORITY.server("127.0.0.1")), true);
        tokens = TestReceiver.start();
        server = new KeyServer(Map.of(
                Setting.ALLOWED_NETWORKS,
                "127.0.0.0/8",
                Setting.TLS_CA_FILE,
                authorities.toString(),
                Setting.TLS_CA_ONLY,
                "true"));
        member = server.make("{\"name\":\"shop\",\"scopes\":[\"webhooks:*\",\"events:write\"]}");
    }

    @AfterAll
    static void stop() {
        server.close();
        receiver.close();
        tokens.close();
    }

    private static Answer call(String method, String path, Object body) throws Exception {
        String text = body instanceof String json ? json : JSON.writeValueAsString(body);
        return server.send(method, "/communities/ext:acme" + path, text, member);
    }

    /** An endpoint that takes an event type of its own. */
    private static JsonNode create(Map<String, Object> fields) throws Exception {
        Map<String, Object> all = new java.util.HashMap<>(fields);
        all.put("event_types", List.of("own." + ++made));
        all.putIfAbsent("url", receiver.url("/own/" + made));
        Answer created = call("POST", "/endpoints", all);
        assertThat(created.status()).as(created.body()).isEqualTo(201);
        return created.json();
    }

    private static Map<String, Object> clientCertificate() {
        return Map.of("certificate", CLIENT.certificatePem(), "private_key", CLIENT.privateKeyPem());
    }

    private static Received deliver() throws Exception {
        int before = receiver.received().size();
        Answer queued = call("POST", "/events", Map.of("event_type", "own." + made, "payload", Map.of()));
        assertThat(queued.status()).as(queued.body()).isEqualTo(202);
        return receiver.await(before + 1, Duration.ofMinutes(1)).get(before);
    }

    private static void refused(Map<String, Object> fields, String pointer, String detail) throws Exception {
        Map<String, Object> all = new java.util.HashMap<>(fields);
        all.put("url", receiver.url("/refused"));
        Answer answer = call("POST", "/endpoints", all);
        assertThat(answer.status()).as(answer.body()).isEqualTo(422);
        assertThat(answer.json().get("errors").get(0).get("pointer").stringValue())
                .isEqualTo(pointer);
        assertThat(answer.json().get("detail").stringValue()).contains(detail);
        assertThat(answer.body()).doesNotContain("PRIVATE KEY-----\\n", "s3cret-value");
    }

    @Test
    void all_credentials_are_set_at_creation_arrive_and_are_never_shown() throws Exception {
        JsonNode created = create(Map.of(
                "headers", Map.of("X-Key", "s3cret-value"),
                "authentication", Map.of("type", "basic", "username", "ann", "password", "s3cret-value"),
                "client_certificate", clientCertificate(),
                "signature_schemes", List.of("v1", "v1a")));
        String id = created.get("id").stringValue();
        for (JsonNode shown : List.of(
                created,
                call("GET", "/endpoints/" + id, "").json(),
                call("GET", "/endpoints", "").json().get("data").get(0))) {
            assertThat(shown.toString()).doesNotContain("s3cret-value", "PRIVATE KEY");
            assertThat(shown.get("headers").toString()).isEqualTo("{\"X-Key\":\"***\"}");
            assertThat(shown.get("authentication").get("username").stringValue())
                    .isEqualTo("ann");
            assertThat(shown.get("authentication").get("password").stringValue())
                    .isEqualTo("***");
            assertThat(shown.get("client_certificate").get("subject").stringValue())
                    .isEqualTo("CN=acme");
            assertThat(Instant.parse(
                            shown.get("client_certificate").get("not_after").stringValue()))
                    .isAfter(Instant.now());
        }
        Received request = deliver();
        assertThat(request.client()).isEqualTo("CN=acme");
        assertThat(request.header("x-key")).isEqualTo("s3cret-value");
        assertThat(request.header("authorization")).startsWith("Basic ");
        String publicKey = call("GET", "/endpoints/" + id + "/public-key", "")
                .json()
                .get("public_key")
                .stringValue();
        new WebhookVerifier(List.of(WebhookPublicKey.parse(publicKey)))
                .verify(
                        request.header("webhook-id"),
                        request.header("webhook-timestamp"),
                        request.header("webhook-signature"),
                        request.body());

        Answer rotated = call("POST", "/endpoints/" + id + "/public-key/rotate", Map.of("overlap_seconds", 60));
        assertThat(rotated.json().get("public_key").stringValue())
                .startsWith("whpk_")
                .isNotEqualTo(publicKey);
        assertThat(rotated.json().get("previous").get(0).get("public_key").stringValue())
                .isEqualTo(publicKey);
        assertThat(deliver().header("webhook-signature").split(" ", -1)).hasSize(3);

        JsonNode changed = call(
                        "PATCH",
                        "/endpoints/" + id,
                        "{\"headers\":{\"x-key\":null,\"X-Other\":\"o\"},\"authentication\":null,\"signature_schemes\":[\"v1\"]}")
                .json();
        assertThat(changed.get("headers").toString()).isEqualTo("{\"X-Other\":\"***\"}");
        assertThat(changed.get("authentication").toString()).isEqualTo("{\"type\":\"none\"}");
        Received later = deliver();
        assertThat(later.header("x-key") + later.header("authorization")).isEmpty();
        assertThat(later.header("x-other")).isEqualTo("o");
        assertThat(later.client()).isEqualTo("CN=acme");
    }

    @Test
    void an_access_token_is_fetched_and_used() throws Exception {
        tokens.answer(request -> new TestReceiver.Answer(
                200,
                Map.of("content-type", "application/json"),
                "{\"access_token\":\"t0ken\",\"token_type\":\"Bearer\",\"expires_in\":60}"
                        .getBytes(StandardCharsets.UTF_8)));
        JsonNode created = create(Map.of(
                "client_certificate",
                clientCertificate(),
                "authentication",
                Map.of(
                        "type", "oauth2_client_credentials",
                        "token_url", tokens.url("/token"),
                        "client_id", "shop",
                        "client_secret", "s3cret-value",
                        "scope", "hooks")));
        assertThat(created.get("authentication").get("client_secret").stringValue())
                .isEqualTo("***");
        assertThat(deliver().header("authorization")).isEqualTo("Bearer t0ken");
    }

    @Test
    void the_class_of_a_failure_and_its_sentence_reach_the_tenant() throws Exception {
        TestAuthority stranger = new TestAuthority("Stranger");
        try (TestReceiver other = TestReceiver.start(stranger.serverContext(stranger.server("127.0.0.1")), false)) {
            create(Map.of("url", other.url("/x")));
            String event = call("POST", "/events", Map.of("event_type", "own." + made, "payload", Map.of()))
                    .json()
                    .get("id")
                    .stringValue();
            String[] delivery = new String[1];
            Eventually.until("it failed", () -> {
                JsonNode first = server.call("GET", "/communities/ext:acme/events/" + event, "")
                        .json()
                        .get("deliveries")
                        .get(0);
                delivery[0] = first.get("id").stringValue();
                return first.get("status").stringValue().equals("retrying");
            });
            JsonNode attempt = call("GET", "/deliveries/" + delivery[0] + "/attempts", "")
                    .json()
                    .get("data")
                    .get(0);
            assertThat(attempt.get("error_class").stringValue()).isEqualTo("tls_untrusted");
            assertThat(attempt.get("error").stringValue()).contains("serve the whole chain", "trusted_ca");
        }
    }

    @Test
    void certificates_that_cannot_be_used_are_refused_by_field() throws Exception {
        Identity other = AUTHORITY.client("other");
        Identity expired = AUTHORITY.client("late", Instant.now().minus(Duration.ofHours(1)), "EC");
        Identity rsa = AUTHORITY.client("rsa", Instant.now().plus(Duration.ofDays(1)), "RSA");
        String certificate = "/client_certificate/certificate";
        String key = "/client_certificate/private_key";
        for (List<String> each : List.of(
                List.of(CLIENT.certificatePem(), other.privateKeyPem(), key, "does not belong"),
                List.of(rsa.certificatePem(), CLIENT.privateKeyPem(), key, "cannot be read"),
                List.of(expired.certificatePem(), expired.privateKeyPem(), certificate, "has expired at"),
                List.of("nonsense", CLIENT.privateKeyPem(), certificate, "there is no certificate"),
                List.of(
                        CLIENT.certificatePem().replace("MII", "AAA"),
                        CLIENT.privateKeyPem(),
                        certificate,
                        "is not an X.509"),
                List.of(CLIENT.certificatePem(), "nonsense", key, "there is no private key"),
                List.of(
                        CLIENT.certificatePem(),
                        CLIENT.privateKeyPem().replace("PRIVATE", "ENCRYPTED PRIVATE"),
                        key,
                        "-nocrypt"),
                List.of(
                        CLIENT.certificatePem(),
                        CLIENT.privateKeyPem().replace("PRIVATE", "EC PRIVATE"),
                        key,
                        "must be PKCS#8"),
                List.of(
                        CLIENT.certificatePem() + other.certificatePem(),
                        CLIENT.privateKeyPem(),
                        certificate,
                        "certificate 2 has not signed"))) {
            refused(
                    Map.of("client_certificate", Map.of("certificate", each.get(0), "private_key", each.get(1))),
                    each.get(2),
                    each.get(3));
        }
        refused(Map.of("client_certificate", Map.of("certificate", CLIENT.certificatePem())), key, "must be a text");
        refused(Map.of("trusted_ca", "nonsense"), "/trusted_ca", "there is no certificate");
        refused(Map.of("trusted_ca", "x".repeat(70_000)), "/trusted_ca", "at most 65536");
        for (Identity usable :
                List.of(rsa, AUTHORITY.client("ed", Instant.now().plus(Duration.ofDays(1)), "Ed25519"))) {
            create(Map.of(
                    "client_certificate",
                    Map.of("certificate", usable.certificatePem(), "private_key", usable.privateKeyPem())));
        }
    }

    @Test
    void headers_that_would_change_the_request_are_refused() throws Exception {
        for (String name : List.of(
                "Host",
                "content-length",
                "Transfer-Encoding",
                "connection",
                "TE",
                "trailer",
                "Upgrade",
                "expect",
                "Webhook-Id",
                "webhook-signature",
                "posthorn-attempt",
                "Content-Type",
                "content-encoding",
                "Proxy-Authorization",
                "Keep-Alive",
                "user-agent",
                "X-Forwarded-For",
                "Metadata-Flavor")) {
            refused(Map.of("headers", Map.of(name, "x")), "/headers/" + name, "is not for endpoints to set");
        }
        for (String name : List.of("", "a b", "a:b", "a\r\nb", "é", "x".repeat(101))) {
            refused(Map.of("headers", Map.of(name, "x")), "/headers/" + name, "a header's name must be");
        }
        for (String value : List.of("", " x", "x ", "a\r\nx: y", "a\nb", "ü", "a\u007f")) {
            refused(Map.of("headers", Map.of("X-A", value)), "/headers/X-A", "must be printable ASCII");
        }
        // No field of any body may hold it.
        refused(Map.of("headers", Map.of("X-A", "a\0b")), "/headers", "holds the character U+0000");
        Map<String, String> twice = new java.util.LinkedHashMap<>(Map.of("X-A", "x"));
        twice.put("x-a", "y");
        refused(Map.of("headers", twice), "/headers/x-a", "is given twice");
        refused(Map.of("headers", Map.of("X-A", "***")), "/headers/X-A", "*** is what answers show");
        refused(Map.of("headers", Map.of("X-A", "x".repeat(5000))), "/headers", "at most 4096 characters");
        refused(Map.of("headers", List.of()), "/headers", "must be an object");
        refused(
                Map.of(
                        "headers", Map.of("Authorization", "x"),
                        "authentication", Map.of("type", "bearer", "token", "t")),
                "/headers/Authorization",
                "give one up");
    }

    @Test
    void authentication_that_makes_no_sense_is_refused_by_field() throws Exception {
        String in = "/authentication/";
        refused(Map.of("authentication", "basic"), "/authentication", "must be an object");
        refused(Map.of("authentication", Map.of("type", "digest")), in + "type", "type must be none, basic");
        refused(Map.of("authentication", Map.of("type", "basic", "username", "a")), in + "password", "must be a text");
        refused(
                Map.of("authentication", Map.of("type", "basic", "username", "a:b", "password", "c")),
                in + "username",
                "colon");
        refused(
                Map.of("authentication", Map.of("type", "basic", "username", "a", "password", "c\nd")),
                in + "password",
                "without line breaks");
        refused(Map.of("authentication", Map.of("type", "bearer", "token", "a b")), in + "token", "without blanks");
        refused(
                Map.of("authentication", Map.of("type", "bearer", "token", "a", "scope", "b")),
                in + "scope",
                "unknown field");
        refused(
                Map.of(
                        "authentication",
                        Map.of(
                                "type", "oauth2_client_credentials",
                                "token_url", "https://10.0.0.1/token",
                                "client_id", "a",
                                "client_secret", "s3cret-value")),
                in + "token_url",
                "token_url is refused, class address");
    }

    @Test
    void schemes_that_make_no_sense_are_refused_and_the_seventeenth_secret_is() throws Exception {
        for (List<String> wrong : List.of(List.of("github"), List.of("v1", "v1"), List.of("v2"))) {
            refused(Map.of("signature_schemes", wrong), "/signature_schemes", "with v1 or v1a among them");
        }
        for (String wrong : List.of("host", "webhook-signature", "a b-signature", "x")) {
            refused(Map.of("signature_header", wrong), "/signature_header", "must be the name of a header");
        }
        String id = create(Map.of()).get("id").stringValue();
        call("GET", "/endpoints/" + id + "/secret", "");
        for (int i = 2; i <= 16; i++) {
            assertThat(call("POST", "/endpoints/" + id + "/secret/rotate", "").status())
                    .isEqualTo(200);
        }
        Answer full = call("POST", "/endpoints/" + id + "/secret/rotate", "");
        assertThat(full.status()).isEqualTo(409);
        assertThat(full.body()).contains("at most 16 secrets", "overlap_seconds 0");
        assertThat(call("POST", "/endpoints/" + id + "/secret/rotate", Map.of("overlap_seconds", 0))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void a_refused_change_changes_nothing_and_others_see_nothing() throws Exception {
        String id = create(Map.of("headers", Map.of("X-A", "before"))).get("id").stringValue();
        assertThat(call(
                                "PATCH",
                                "/endpoints/" + id,
                                "{\"description\":\"new\",\"headers\":{\"X-A\":\"after\",\"Host\":\"x\"}}")
                        .status())
                .isEqualTo(422);
        assertThat(call("GET", "/endpoints/" + id, "").json().get("description").stringValue())
                .isEmpty();
        String reader = server.make("{\"name\":\"reader\",\"scopes\":[\"webhooks:read\"]}");
        String path = "/communities/ext:acme/endpoints/" + id;
        assertThat(server.send("PATCH", path, "{\"headers\":{\"X-A\":\"x\"}}", reader)
                        .status())
                .isEqualTo(403);
        assertThat(server.send("GET", path + "/public-key", "", reader).status())
                .isEqualTo(200);
        String other = server.call(
                        "POST", "/communities/ext:other/api-keys", "{\"name\":\"x\",\"scopes\":[\"webhooks:*\"]}")
                .json()
                .get("key")
                .stringValue();
        assertThat(server.send("PATCH", path, "{\"headers\":{\"X-A\":\"x\"}}", other)
                        .status())
                .isEqualTo(404);
        assertThat(server.send("PATCH", path.replace("acme", "other"), "{\"headers\":{\"X-A\":\"x\"}}", other)
                        .status())
                .isEqualTo(404);
    }

    @Test
    void settings_that_cannot_be_used_stop_the_start_with_a_sentence() {
        assertThatThrownBy(() -> Egress.authorities(set(Map.of(Setting.TLS_CA_FILE, "/no/such/file"))))
                .hasMessage("tls.ca.file: the file /no/such/file cannot be read");
        assertThatThrownBy(() -> Egress.authorities(set(Map.of(Setting.TLS_CA_ONLY, "true"))))
                .hasMessageContaining("tls.ca.file names no file");
        assertThatThrownBy(() -> Egress.proxy(set(Map.of(Setting.EGRESS_PROXY, "http://proxy:1"))))
                .hasMessageContaining("egress.proxy: it must be host:port");
        Settings proxy = set(Map.of(
                Setting.EGRESS_PROXY, "proxy.example.com:3128", Setting.EGRESS_PROXY_CREDENTIALS, "ann:s3cret-value"));
        assertThat(Egress.proxy(proxy)).isPresent();
        assertThat(proxy.describe()).contains("proxy.example.com:3128").doesNotContain("s3cret-value");
    }

    private static Settings set(Map<Setting, String> values) {
        return Settings.gather(values, Map.of(), null);
    }
}
