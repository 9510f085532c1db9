package dev.posthorn.signing;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Signatures as Stripe sends them, {@code Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…]}: HMAC-SHA256 of {@code t.body}. Senders that
 * copied the form gave the header names of their own. For receivers that have not changed over to Standard Webhooks yet. Immutable and
 * thread-safe.
 *
 * @see <a href="https://docs.stripe.com/webhooks#verify-manually">Verify webhook signatures manually</a>
 */
public final class StripeStyleSignature {
    private static final String NAME = "the signature header";

    private final SharedText secrets;
    private final Freshness freshness;

    /**
     * Signs and verifies with a tolerance of five minutes and the machine's clock.
     *
     * @param secrets any text, used as its UTF-8 bytes also where it begins with {@code whsec_}; each signs, the newest first, and any
     *     verifies
     * @throws IllegalArgumentException if there is none or one is blank
     */
    public StripeStyleSignature(List<String> secrets) {
        this(secrets, WebhookVerifier.DEFAULT_TOLERANCE, Clock.systemUTC());
    }

    /**
     * @param secrets as above
     * @param tolerance how old or how far in the future a timestamp may be
     * @param clock what says the present time when verifying
     * @throws IllegalArgumentException if there is no secret, one is blank, or the tolerance is negative
     */
    public StripeStyleSignature(List<String> secrets, Duration tolerance, Clock clock) {
        this.secrets = new SharedText(secrets);
        this.freshness = new Freshness(tolerance, clock);
    }

    /**
     * The value of the header.
     *
     * @param timestamp seconds since 1970
     * @param body the exact bytes of the body
     * @throws IllegalArgumentException if the timestamp is negative or has more than 12 digits
     */
    public String sign(long timestamp, byte[] body) {
        Freshness.requireSeconds(timestamp);
        return "t=" + timestamp + ",v1=" + String.join(",v1=", secrets.sign(head(timestamp), body));
    }

    /**
     * Returns if the request is genuine and fresh.
     *
     * @param header value of the header, null where it is missing; parts other than {@code t} and {@code v1} are passed over
     * @param body the exact bytes of the body
     * @throws WebhookVerificationException if it is not, saying why
     */
    public void verify(@Nullable String header, byte[] body) throws WebhookVerificationException {
        String timestamp = null;
        List<String> signatures = new ArrayList<>();
        for (String part : ReceivedHeader.require(NAME, header).split(",", -1)) {
            if (part.startsWith("v1=")) {
                signatures.add(part.substring(3));
            } else if (part.startsWith("t=")) {
                if (timestamp != null) {
                    throw malformed("has more than one t=");
                }
                timestamp = part.substring(2);
            }
        }
        if (timestamp == null) {
            throw malformed("has no t=<seconds>");
        }
        if (signatures.isEmpty()) {
            throw malformed("has no v1=<signature>");
        }
        long seconds = freshness.check("t", timestamp);
        if (!secrets.fitsAny(head(seconds), body, signatures)) {
            throw new WebhookVerificationException(
                    Reason.NO_MATCHING_SIGNATURE,
                    "no signature fits: another secret signed, or t or body are not what was signed");
        }
    }

    private static WebhookVerificationException malformed(String how) {
        return new WebhookVerificationException(Reason.MALFORMED_HEADER, NAME + " " + how);
    }

    private static byte[] head(long timestamp) {
        return (timestamp + ".").getBytes(UTF_8);
    }
}
