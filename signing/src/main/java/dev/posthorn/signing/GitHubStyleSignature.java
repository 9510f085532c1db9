package dev.posthorn.signing;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Signatures as GitHub sends them, {@code X-Hub-Signature-256: sha256=<hex>}: HMAC-SHA256 of the body alone. For receivers that have not
 * changed over to Standard Webhooks yet. Immutable and thread-safe.
 *
 * <p>No time is signed, so whoever has seen a request can send it again at any time, and {@link #verify} will not notice.
 *
 * @see <a href="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries">Validating webhook deliveries</a>
 */
public final class GitHubStyleSignature {
    /** The header's name. */
    public static final String HEADER = "X-Hub-Signature-256";

    private static final String PREFIX = "sha256=";
    private static final int LENGTH = PREFIX.length() + 64;
    private static final byte[] NOTHING = {};

    private final SharedText secrets;

    /**
     * @param secrets any text, used as its UTF-8 bytes also where it begins with {@code whsec_}; the first signs, each verifies
     * @throws IllegalArgumentException if there is none or one is blank
     */
    public GitHubStyleSignature(List<String> secrets) {
        this.secrets = new SharedText(secrets);
    }

    /** The value of the header. It has room for one signature, so that a change of the secret has no overlap. */
    public String sign(byte[] body) {
        return PREFIX + secrets.sign(NOTHING, body).get(0);
    }

    /**
     * Returns if the request is genuine, which says nothing of when it was sent.
     *
     * @param header value of the header, null where it is missing
     * @param body the exact bytes of the body
     * @throws WebhookVerificationException if it is not, saying why
     */
    public void verify(@Nullable String header, byte[] body) throws WebhookVerificationException {
        String value = ReceivedHeader.require(HEADER, header);
        if (!value.startsWith(PREFIX) || value.length() != LENGTH) {
            throw new WebhookVerificationException(
                    Reason.MALFORMED_HEADER, HEADER + " must be sha256= followed by 64 hexadecimal digits");
        }
        if (!secrets.fitsAny(NOTHING, body, List.of(value.substring(PREFIX.length())))) {
            throw new WebhookVerificationException(
                    Reason.NO_MATCHING_SIGNATURE,
                    "the signature does not fit: another secret signed, or the body is not the bytes that were signed");
        }
    }
}
