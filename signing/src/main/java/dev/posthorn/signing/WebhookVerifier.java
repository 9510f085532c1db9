package dev.posthorn.signing;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Verifies received webhooks. Immutable and thread-safe; signatures are compared in constant time.
 *
 * <p>Give it the exact bytes of the body: a body that was parsed and written again has other bytes.
 */
public final class WebhookVerifier {
    /** How far a timestamp may lie from this machine's clock, in either direction, unless said otherwise. */
    public static final Duration DEFAULT_TOLERANCE = Duration.ofMinutes(5);

    private final List<WebhookSecret> secrets;
    private final Duration tolerance;
    private final Clock clock;

    /** Verifies with any of the given secrets, a tolerance of five minutes and the machine's clock. */
    public WebhookVerifier(List<WebhookSecret> secrets) {
        this(secrets, DEFAULT_TOLERANCE, Clock.systemUTC());
    }

    /**
     * @param secrets any of which may have signed; at least one
     * @param tolerance how old or how far in the future a timestamp may be
     * @param clock what says the present time
     * @throws IllegalArgumentException if there is no secret or the tolerance is negative
     */
    public WebhookVerifier(List<WebhookSecret> secrets, Duration tolerance, Clock clock) {
        if (secrets.isEmpty()) {
            throw new IllegalArgumentException("verifying needs at least one secret");
        }
        if (tolerance.isNegative()) {
            throw new IllegalArgumentException("the tolerance must not be negative");
        }
        this.secrets = List.copyOf(secrets);
        this.tolerance = tolerance;
        this.clock = clock;
    }

    /**
     * Returns if the request is genuine and fresh.
     *
     * @param id the {@code webhook-id} header, null where it is missing
     * @param timestamp the {@code webhook-timestamp} header, null where it is missing
     * @param signatures the {@code webhook-signature} header, null where it is missing; versions other than {@code v1} are passed over
     * @param body the exact bytes of the body
     * @throws WebhookVerificationException if it is not, saying why
     */
    public void verify(@Nullable String id, @Nullable String timestamp, @Nullable String signatures, byte[] body)
            throws WebhookVerificationException {
        if (id == null || id.isEmpty() || timestamp == null || signatures == null) {
            throw new WebhookVerificationException(
                    Reason.MISSING_HEADER, "webhook-id, webhook-timestamp and webhook-signature must all be present");
        }
        long seconds = checkedTimestamp(timestamp);
        for (WebhookSecret secret : secrets) {
            byte[] expected = WebhookSigner.mac(secret, id, seconds, body);
            for (String signature : signatures.split(" ", -1)) {
                if (signature.startsWith("v1,") && MessageDigest.isEqual(expected, decoded(signature.substring(3)))) {
                    return;
                }
            }
        }
        throw new WebhookVerificationException(
                Reason.NO_MATCHING_SIGNATURE, "no signature fits the request and a known secret");
    }

    private long checkedTimestamp(String timestamp) throws WebhookVerificationException {
        // Exactly the digits that were signed: +1 or 007 are other texts with the same number.
        if (!timestamp.matches("0|[1-9][0-9]{0,11}")) {
            throw new WebhookVerificationException(
                    Reason.MALFORMED_TIMESTAMP, "webhook-timestamp is not a number of seconds");
        }
        long seconds = Long.parseLong(timestamp);
        long now = clock.instant().getEpochSecond();
        if (seconds < now - tolerance.toSeconds()) {
            throw new WebhookVerificationException(Reason.TOO_OLD, "webhook-timestamp is too old");
        }
        if (seconds > now + tolerance.toSeconds()) {
            throw new WebhookVerificationException(Reason.TOO_NEW, "webhook-timestamp lies in the future");
        }
        return seconds;
    }

    private static byte[] decoded(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException notBase64) {
            return new byte[0];
        }
    }
}
