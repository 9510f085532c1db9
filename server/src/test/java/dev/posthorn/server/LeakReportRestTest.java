package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.apikeys.ApiKey;
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
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys that were found where they do not belong, reported as GitHub reports them. */
class LeakReportRestTest {
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
        assertThat(server.verify(key, "").get("valid").booleanValue()).isTrue();
        KeyServer.Answer answer = leak(report, "r1", sign(report));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().valueStream().map(one -> one.get("label").stringValue()))
                .containsExactly("true_positive", "false_positive", "false_positive");
        assertThat(answer.body()).doesNotContain(key);
        Eventually.until(
                "revoked",
                () -> server.verify(key, "").get("code").stringValue().equals("revoked"));
        assertThat(server.database()
                        .query("SELECT event_type FROM posthorn.webhook_events WHERE payload ->> 'prefix' = '"
                                + key.substring(0, 16) + "' ORDER BY id"))
                .containsExactly(List.of("api_key.created"), List.of("api_key.revoked"), List.of("api_key.exposed"));
        assertThat(leak("{}", "r1", sign("{}")).status()).isEqualTo(422);
        assertThat(leak("[", "r1", sign("[")).status()).isEqualTo(400);
        assertThat(leak("[{\"token\":1}]", "r1", sign("[{\"token\":1}]")).status())
                .isEqualTo(422);
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
}
