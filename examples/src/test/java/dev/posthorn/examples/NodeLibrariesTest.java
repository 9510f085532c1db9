package dev.posthorn.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.signing.GitHubStyleSignature;
import dev.posthorn.signing.SigningKey;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.signing.WebhookPrivateKey;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookSigner;
import dev.posthorn.signing.WebhookVerifier;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What module signing signs is accepted by the libraries that receivers use in Node, and what they sign by module signing: {@code
 * standardwebhooks}, {@code stripe}, {@code @octokit/webhooks-methods}, and Node's own Ed25519. Skipped where Node is not.
 */
class NodeLibrariesTest {
    private static final String ID = "evt_1";
    private static final String BODY = "{\"type\": \"payment.received\", \"data\": \"12,50 €\"}";
    private static final String TEXT_SECRET = "whsec_text, it's not base64";

    private static Path directory = Path.of("");

    private final long now = Instant.now().getEpochSecond();

    @BeforeAll
    static void install() throws Exception {
        directory = Programs.copy("src/test/resources/interop");
        NodePackages.install(directory);
    }

    @Test
    void standard_webhooks_with_a_shared_secret() throws Exception {
        WebhookSecret secret = WebhookSecret.generate();
        String header = new WebhookSigner(List.of(WebhookPrivateKey.generate(), WebhookSecret.generate(), secret))
                .sign(ID, now, bytes(BODY));
        assertThat(node("v1", secret.encoded(), BODY, header)).isEqualTo("accepted " + sign(secret));
        assertThat(node("v1", secret.encoded(), BODY + " ", header)).startsWith("refused v1,");
        assertThat(node("v1", WebhookSecret.generate().encoded(), BODY, header)).startsWith("refused v1,");
    }

    @Test
    void standard_webhooks_with_a_key_pair() throws Exception {
        WebhookPrivateKey key = WebhookPrivateKey.generate();
        assertThat(node("v1a", key.encoded(), BODY, sign(key))).isEqualTo("accepted " + sign(key));
        String refused = node("v1a", key.encoded(), BODY + " ", sign(key));
        assertThat(refused).startsWith("refused v1a,");
        new WebhookVerifier(List.of(key.verifyingKey()))
                .verify(ID, Long.toString(now), refused.substring("refused ".length()), bytes(BODY + " "));
    }

    @Test
    void the_older_form_of_github() throws Exception {
        GitHubStyleSignature hub = new GitHubStyleSignature(List.of(TEXT_SECRET));
        String header = hub.sign(bytes(BODY));
        assertThat(node("github", TEXT_SECRET, BODY, header)).isEqualTo("accepted " + header);
        String refused = node("github", TEXT_SECRET, BODY + " ", header);
        assertThat(refused).startsWith("refused sha256=");
        hub.verify(refused.substring("refused ".length()), bytes(BODY + " "));
    }

    @Test
    void the_older_form_of_stripe() throws Exception {
        StripeStyleSignature stripe = new StripeStyleSignature(List.of(TEXT_SECRET));
        String header = stripe.sign(now, bytes(BODY));
        assertThat(node("stripe", TEXT_SECRET, BODY, header)).isEqualTo("accepted " + header);
        String rotating = new StripeStyleSignature(List.of("newer", TEXT_SECRET)).sign(now, bytes(BODY));
        assertThat(node("stripe", TEXT_SECRET, BODY, rotating)).startsWith("accepted ");
        String refused = node("stripe", TEXT_SECRET, BODY + " ", header);
        assertThat(refused).startsWith("refused t=" + now);
        stripe.verify(refused.substring("refused ".length()), bytes(BODY + " "));
    }

    private String sign(SigningKey key) {
        return key.sign(ID, now, bytes(BODY));
    }

    private String node(String scheme, String key, String body, String header) throws Exception {
        Programs.Ended ended = Programs.run(
                directory,
                "node",
                "signatures.mjs",
                scheme,
                key,
                ID,
                Long.toString(now),
                Base64.getEncoder().encodeToString(bytes(body)),
                header);
        assertThat(ended.exit()).as(ended.output()).isZero();
        return ended.lastWord();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
