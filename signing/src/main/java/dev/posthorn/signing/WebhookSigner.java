package dev.posthorn.signing;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;

/**
 * Signs requests with one or, while secrets rotate, several secrets. Immutable and thread-safe.
 *
 * <p>What is signed is {@code id.timestamp.body}; the header value has one {@code v1,<base64>} per secret, separated by blanks.
 */
public final class WebhookSigner {
    private final List<WebhookSecret> secrets;

    /**
     * @param secrets the secrets in use, the newest first
     * @throws IllegalArgumentException if there is none
     */
    public WebhookSigner(List<WebhookSecret> secrets) {
        if (secrets.isEmpty()) {
            throw new IllegalArgumentException("signing needs at least one secret");
        }
        this.secrets = List.copyOf(secrets);
    }

    /**
     * The value of the {@code webhook-signature} header.
     *
     * @param id value of the {@code webhook-id} header: ASCII, without a dot
     * @param timestamp value of the {@code webhook-timestamp} header: seconds since 1970
     * @param body the exact bytes of the body
     */
    public String sign(String id, long timestamp, byte[] body) {
        StringBuilder signatures = new StringBuilder(48 * secrets.size());
        for (WebhookSecret secret : secrets) {
            if (!signatures.isEmpty()) {
                signatures.append(' ');
            }
            signatures.append("v1,").append(Base64.getEncoder().encodeToString(mac(secret, id, timestamp, body)));
        }
        return signatures.toString();
    }

    static byte[] mac(WebhookSecret secret, String id, long timestamp, byte[] body) {
        try {
            Mac mac = Mac.getInstance(WebhookSecret.ALGORITHM);
            mac.init(secret.key());
            mac.update((id + '.' + timestamp + '.').getBytes(StandardCharsets.UTF_8));
            return mac.doFinal(body);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }
}
