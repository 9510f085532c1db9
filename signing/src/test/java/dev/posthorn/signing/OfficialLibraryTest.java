package dev.posthorn.signing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.standardwebhooks.Webhook;
import java.net.http.HttpHeaders;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The library that the specification's authors publish must accept what we sign, and we what it signs. */
class OfficialLibraryTest {
    private static final String BODY = "{\"type\":\"payment.received\",\"data\":{\"amount\":\"12,50 €\"}}";
    private final WebhookSecret secret = WebhookSecret.generate();
    private final long now = Instant.now().getEpochSecond();

    @Test
    void the_official_library_accepts_our_signature() throws Exception {
        String signature = new WebhookSigner(List.of(secret)).sign("msg_1", now, BODY.getBytes(UTF_8));
        new Webhook(secret.encoded()).verify(BODY, headers(signature));
        assertThatThrownBy(() -> new Webhook(secret.encoded()).verify(BODY + " ", headers(signature)))
                .isInstanceOf(com.standardwebhooks.exceptions.WebhookVerificationException.class);
    }

    @Test
    void the_official_library_accepts_our_signatures_in_the_middle_of_a_rotation() throws Exception {
        String signatures =
                new WebhookSigner(List.of(WebhookSecret.generate(), secret)).sign("msg_1", now, BODY.getBytes(UTF_8));
        new Webhook(secret.encoded()).verify(BODY, headers(signatures));
    }

    @Test
    void the_official_library_finds_its_signature_beside_those_of_key_pairs() throws Exception {
        String signatures = new WebhookSigner(
                        List.of(WebhookPrivateKey.generate(), secret, WebhookPrivateKey.generate()))
                .sign("msg_1", now, BODY.getBytes(UTF_8));
        new Webhook(secret.encoded()).verify(BODY, headers(signatures));
    }

    @Test
    void we_accept_the_official_librarys_signature() throws Exception {
        String signature = new Webhook(secret.encoded()).sign("msg_1", now, BODY);
        assertThat(signature).isEqualTo(new WebhookSigner(List.of(secret)).sign("msg_1", now, BODY.getBytes(UTF_8)));
        new WebhookVerifier(List.of(secret)).verify("msg_1", Long.toString(now), signature, BODY.getBytes(UTF_8));
    }

    private HttpHeaders headers(String signature) {
        return HttpHeaders.of(
                Map.of(
                        "webhook-id", List.of("msg_1"),
                        "webhook-timestamp", List.of(Long.toString(now)),
                        "webhook-signature", List.of(signature)),
                (name, value) -> true);
    }
}
