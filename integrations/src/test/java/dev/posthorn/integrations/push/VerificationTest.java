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
import dev.posthorn.signing.GitHubStyleSignature;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.signing.WebhookPrivateKey;
import dev.posthorn.signing.WebhookSecret;
import java.net.URLEncoder;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VerificationTest {
    private static final byte[] BODY = "{\"id\": 1}".getBytes(UTF_8);
    private static final byte[] OTHER = "{\"id\": 2}".getBytes(UTF_8);
    private static final Instant NOW = TestContext.NOW;

    private final TestContext contexts = new TestContext();
    private final PushJsonConnector connector = new PushJsonConnector();

    @AfterEach
    void close() {
        contexts.close();
    }

    private PushAnswer receive(
            String verification, Map<String, String> credentials, byte[] body, Map<String, String> headers)
            throws ConnectorException {
        return receive(verification, credentials, body, headers, false);
    }

    private PushAnswer receive(
            String verification,
            Map<String, String> credentials,
            byte[] body,
            Map<String, String> headers,
            boolean proxy)
            throws ConnectorException {
        Map<String, List<String>> all = new HashMap<>();
        headers.forEach((name, value) -> all.put(name, List.of(value)));
        return connector.receive(
                contexts.of("{'verification': " + verification + ", 'records': {}}", credentials),
                new PushRequest("POST", "", all, body, NOW, proxy));
    }

    private static String id(PushAnswer answer) {
        return ((Accepted) answer).deliveryId();
    }

    private static void assertRefused(PushAnswer answer) {
        assertThat(answer)
                .isInstanceOfSatisfying(
                        Refused.class, refused -> assertThat(refused.status()).isEqualTo(401));
    }

    private static byte[] hmac(String algorithm, byte[] key, String signed) throws Exception {
        Mac mac = Mac.getInstance(algorithm);
        mac.init(new SecretKeySpec(key, algorithm));
        return mac.doFinal(signed.getBytes(UTF_8));
    }

    @Test
    void standard_webhooks_by_the_old_or_the_new_secret_or_a_public_key() throws Exception {
        WebhookSecret old = WebhookSecret.generate();
        WebhookPrivateKey pair = WebhookPrivateKey.generate();
        String settings = "{'type': 'standard_webhooks'}";
        Map<String, String> credentials =
                Map.of("secret", pair.verifyingKey().encoded(), "previous_secret", old.encoded());
        long time = NOW.getEpochSecond();

        for (String signature : List.of(old.sign("msg_1", time, BODY), pair.sign("msg_1", time, BODY))) {
            Map<String, String> headers =
                    Map.of("webhook-id", "msg_1", "webhook-timestamp", "" + time, "webhook-signature", signature);
            assertThat(id(receive(settings, credentials, BODY, headers))).isEqualTo("msg_1");
            assertRefused(receive(settings, credentials, OTHER, headers));
            assertRefused(
                    receive(settings, Map.of("secret", WebhookSecret.generate().encoded()), BODY, headers));
        }
    }

    @ParameterizedTest
    @CsvSource({"-300, true", "-301, false", "300, true", "301, false"})
    void a_time_that_is_signed_must_be_near(int seconds, boolean accepted) throws Exception {
        long time = NOW.getEpochSecond() + seconds;
        String stripe = new StripeStyleSignature(List.of("s")).sign(time, BODY);
        String hmac =
                HexFormat.of().formatHex(hmac("HmacSHA256", "s".getBytes(UTF_8), time + "." + new String(BODY, UTF_8)));

        List<PushAnswer> answers = List.of(
                receive("{'type': 'stripe'}", Map.of("secret", "s"), BODY, Map.of("stripe-signature", stripe)),
                receive(
                        "{'type': 'hmac', 'header': 'X-S', 'timestamp_header': 'X-T', 'signed': '{timestamp}.{body}'}",
                        Map.of("secret", "s"),
                        BODY,
                        Map.of("x-s", hmac, "x-t", "" + time)));

        assertThat(answers)
                .allSatisfy(answer -> assertThat(answer instanceof Accepted).isEqualTo(accepted));
    }

    @Test
    void who_repeats_a_request_of_stripe_cannot_give_it_another_id() throws Exception {
        String signature = new StripeStyleSignature(List.of("new", "old")).sign(NOW.getEpochSecond(), BODY);
        Map<String, String> credentials = Map.of("secret", "new");

        String first = id(receive("{'type': 'stripe'}", credentials, BODY, Map.of("stripe-signature", signature)));
        String repeated = id(receive(
                "{'type': 'stripe'}", credentials, BODY, Map.of("stripe-signature", "v0=x," + signature + ",a=b")));

        assertThat(repeated).isEqualTo(first);
    }

    @Test
    void github_signs_the_body() throws Exception {
        String signature = new GitHubStyleSignature(List.of("old")).sign(BODY);
        Map<String, String> credentials = Map.of("secret", "new", "previous_secret", "old");
        Map<String, String> headers = Map.of("x-hub-signature-256", signature);

        assertThat(receive("{'type': 'github'}", credentials, BODY, headers)).isInstanceOf(Accepted.class);
        assertRefused(receive("{'type': 'github'}", credentials, OTHER, headers));
        assertRefused(receive("{'type': 'github'}", Map.of("secret", "new"), BODY, headers));
    }

    @ParameterizedTest
    @CsvSource({
        "sha256, HmacSHA256, hex, text, ''",
        "sha512, HmacSHA512, base64, hex, ''",
        "sha1, HmacSHA1, hex, base64, sha1=",
    })
    void hmac_in_its_forms(String algorithm, String java, String encoding, String secretEncoding, String prefix)
            throws Exception {
        byte[] key = "a key".getBytes(UTF_8);
        String secret = switch (secretEncoding) {
            case "hex" -> HexFormat.of().formatHex(key);
            case "base64" -> Base64.getEncoder().encodeToString(key);
            default -> "a key";
        };
        String settings = "{'type': 'hmac', 'header': 'X-S', 'algorithm': '" + algorithm + "', 'encoding': '" + encoding
                + "', 'secret_encoding': '" + secretEncoding + "', 'prefix': '" + prefix
                + "', 'id_header': 'X-Id', 'signed': 'v0:{id}:{body}:end'}";
        byte[] mac = hmac(java, key, "v0:{body}:" + new String(BODY, UTF_8) + ":end");
        String signature = prefix
                + (encoding.equals("hex")
                        ? HexFormat.of().formatHex(mac)
                        : Base64.getEncoder().encodeToString(mac));
        Map<String, String> credentials = Map.of("secret", "00", "previous_secret", secret);
        if (secretEncoding.equals("base64")) {
            credentials = Map.of("secret", "AAAA", "previous_secret", secret);
        }

        // An id that looks like a placeholder is none.
        Map<String, String> headers = Map.of("x-s", prefix + "00, " + signature, "x-id", "{body}");
        assertThat(receive(settings, credentials, BODY, headers)).isInstanceOf(Accepted.class);
        assertRefused(receive(settings, credentials, OTHER, headers));
        assertRefused(receive(settings, credentials, BODY, Map.of("x-s", signature, "x-id", "x")));
        assertRefused(receive(settings, credentials, BODY, Map.of("x-s", signature)));
        assertRefused(receive(settings, credentials, BODY, Map.of("x-s", "zz", "x-id", "{body}")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'signed': '{timestamp}'",
                "'timestamp_header': 'X-T'",
                "'signed': '{timestamp}.{body}'",
                "'id_header': 'X-I'",
                "'signed': '{body}{body}'"
            })
    void what_is_read_is_signed_and_what_is_signed_is_read(String settings) {
        assertThatThrownBy(() -> connector.check(contexts.of(
                        "{'verification': {'type': 'hmac', 'header': 'X-S', " + settings + "}, 'records': {}}",
                        Map.of("secret", "s"))))
                .hasMessageContaining("verification.signed")
                .extracting(e -> ((ConnectorException) e).failure())
                .isEqualTo(Failure.CONFIGURATION);
    }

    @Test
    void secrets_that_cannot_be_used_are_refused_and_not_repeated() {
        for (String settings : List.of(
                "{'type': 'hmac', 'header': 'X-S', 'secret_encoding': 'hex'}", "{'type': 'standard_webhooks'}")) {
            assertThatThrownBy(() -> connector.check(contexts.of(
                            "{'verification': " + settings + ", 'records': {}}", Map.of("secret", "ge!heim"))))
                    .hasMessageNotContaining("heim")
                    .extracting(e -> ((ConnectorException) e).failure())
                    .isEqualTo(Failure.CREDENTIALS);
        }
        assertThatThrownBy(() -> connector.check(
                        contexts.of("{'verification': {'type': 'github'}, 'records': {}}", Map.of("secret", " "))))
                .hasMessageContaining("anybody could sign");
    }

    @Test
    void a_login_by_the_old_or_the_new_password() throws Exception {
        Map<String, String> credentials = Map.of("username", "cam", "password", "new", "previous_password", "old:ä");
        for (String login : List.of("cam:new", "cam:old:ä")) {
            String header = "bAsIc " + Base64.getEncoder().encodeToString(login.getBytes(UTF_8));
            assertThat(receive("{'type': 'basic'}", credentials, BODY, Map.of("authorization", header)))
                    .isInstanceOf(Accepted.class);
        }
        for (String header : List.of("", "Basic", "Basic ???", "Bearer x", "Basic Y2FtOg==", "Basic bmV3")) {
            assertRefused(receive("{'type': 'basic'}", credentials, BODY, Map.of("authorization", header)));
        }
        assertRefused(receive("{'type': 'basic'}", credentials, BODY, Map.of()));
    }

    @Test
    void a_fingerprint_is_believed_of_a_trusted_proxy_alone() throws Exception {
        String fingerprint = "ab".repeat(32);
        String settings = "{'type': 'mtls_header', 'header': 'X-Print', 'allowed': ['" + fingerprint + "']}";
        Map<String, String> headers = Map.of("x-print", "AB:".repeat(31) + "AB");

        assertThat(receive(settings, Map.of(), BODY, headers, true)).isInstanceOf(Accepted.class);
        assertThat(receive(settings, Map.of(), BODY, headers, false))
                .isEqualTo(new Refused(401, "the request did not come through a proxy that is trusted"));
        assertRefused(receive(settings, Map.of(), BODY, Map.of("x-print", "cd".repeat(32)), true));
        assertRefused(receive(settings, Map.of(), BODY, Map.of(), true));
        // A client that smuggles a second header past the proxy makes it ambiguous.
        assertRefused(connector.receive(
                contexts.of("{'verification': " + settings + ", 'records': {}}", Map.of()),
                new PushRequest("POST", "", Map.of("x-print", List.of(fingerprint, fingerprint)), BODY, NOW, true)));
    }

    @Test
    void a_subject_needs_a_proxy_that_has_verified_the_chain() throws Exception {
        String settings =
                "{'type': 'mtls_header', 'header': 'X-Subject', 'form': 'subject', 'verified_header': 'X-Verify',"
                        + " 'allowed': ['CN=camera 7, O=Acme, C=DE']}";

        assertThat(receive(
                        settings,
                        Map.of(),
                        BODY,
                        Map.of("x-subject", "cn=camera 7,O=Acme,C=DE", "x-verify", "SUCCESS"),
                        true))
                .isInstanceOf(Accepted.class);
        assertRefused(receive(
                settings,
                Map.of(),
                BODY,
                Map.of("x-subject", "CN=camera 7,O=Acme,C=DE", "x-verify", "FAILED:x"),
                true));
        assertRefused(receive(settings, Map.of(), BODY, Map.of("x-subject", "CN=camera 7,O=Acme,C=DE"), true));
        assertRefused(receive(
                settings, Map.of(), BODY, Map.of("x-subject", "CN=camera 8,O=Acme,C=DE", "x-verify", "SUCCESS"), true));
        assertThatThrownBy(() -> connector.check(contexts.of(
                        "{'verification': {'type': 'mtls_header', 'header': 'X', 'form': 'subject', 'allowed': ['CN=x']}, 'records': {}}",
                        Map.of())))
                .hasMessageContaining("verification.verified_header is missing");
    }

    @Test
    void a_whole_certificate_is_measured_here() throws Exception {
        String pem;
        try (var in = VerificationTest.class.getResourceAsStream("client.pem")) {
            pem = new String(Objects.requireNonNull(in).readAllBytes(), UTF_8);
        }
        String settings =
                "{'type': 'mtls_header', 'header': 'X-Cert', 'form': 'certificate', 'allowed': ['1A:1E:E6:DA:D7:7F:8F:B7:77:74:20:7B:C6:13:0A:03:86:35:9C:92:1D:E3:3A:7A:74:C7:DE:06:35:84:F5:36']}";
        String encoded = URLEncoder.encode(pem, UTF_8).replace("+", "%20");

        assertThat(receive(settings, Map.of(), BODY, Map.of("x-cert", encoded), true))
                .isInstanceOf(Accepted.class);
        assertRefused(receive(settings, Map.of(), BODY, Map.of("x-cert", "junk"), true));
    }

    @Test
    void tolerance_can_be_set() throws Exception {
        String signature = new StripeStyleSignature(List.of("s"))
                .sign(NOW.minus(Duration.ofMinutes(50)).getEpochSecond(), BODY);

        assertThat(receive(
                        "{'type': 'stripe', 'tolerance_seconds': 3600, 'header': 'X-Gateway'}",
                        Map.of("secret", "s"),
                        BODY,
                        Map.of("x-gateway", signature)))
                .isInstanceOf(Accepted.class);
    }
}
