package dev.posthorn.signing;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Verifies received webhooks. Immutable and thread-safe; signatures are compared in constant time.
 *
 * <p>Give it the exact bytes of the body: a body that was parsed and written again has other bytes. Whatever a request brings, it is
 * refused with a {@link WebhookVerificationException} and nothing else.
 */
public final class WebhookVerifier {
    /** How far a timestamp may lie from this machine's clock, in either direction, unless said otherwise. */
    public static final Duration DEFAULT_TOLERANCE = Duration.ofMinutes(5);

    /** Each costs some 0.7 ms per public key, whoever sent it. One of {@code v1} costs a comparison. */
    private static final int MOST_OF_KEY_PAIRS = 16;

    private static final String ID = "webhook-id";
    private static final String TIMESTAMP = "webhook-timestamp";
    private static final String SIGNATURE = "webhook-signature";

    private final List<VerifyingKey> keys;
    private final Freshness freshness;

    /** Verifies with any of the given keys, a tolerance of five minutes and the machine's clock. */
    public WebhookVerifier(List<? extends VerifyingKey> keys) {
        this(keys, DEFAULT_TOLERANCE, Clock.systemUTC());
    }

    /**
     * @param keys any of which may have signed; at least one
     * @param tolerance how old or how far in the future a timestamp may be
     * @param clock what says the present time
     * @throws IllegalArgumentException if there is no key or the tolerance is negative
     */
    public WebhookVerifier(List<? extends VerifyingKey> keys, Duration tolerance, Clock clock) {
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("verifying needs at least one key");
        }
        this.keys = List.copyOf(keys);
        this.freshness = new Freshness(tolerance, clock);
    }

    /**
     * Returns if the request is genuine and fresh.
     *
     * @param headers of the request, as {@code java.net.http.HttpHeaders.map()} and most servers give them: names in any case, others are
     *     passed over
     * @param body the exact bytes of the body
     * @throws WebhookVerificationException if it is not, saying why; also where one of the three headers is repeated
     */
    public void verify(Map<String, ? extends List<String>> headers, byte[] body) throws WebhookVerificationException {
        verify(
                ReceivedHeader.single(headers, ID),
                ReceivedHeader.single(headers, TIMESTAMP),
                ReceivedHeader.single(headers, SIGNATURE),
                body);
    }

    /**
     * Returns if the request is genuine and fresh.
     *
     * @param id the {@code webhook-id} header, null where it is missing
     * @param timestamp the {@code webhook-timestamp} header, null where it is missing
     * @param signatures the {@code webhook-signature} header, null where it is missing; versions other than {@code v1} and {@code v1a} are
     *     passed over
     * @param body the exact bytes of the body
     * @throws WebhookVerificationException if it is not, saying why
     */
    public void verify(@Nullable String id, @Nullable String timestamp, @Nullable String signatures, byte[] body)
            throws WebhookVerificationException {
        String checkedId = ReceivedHeader.require(ID, id);
        String mistake = SignedContent.mistakeOfId(checkedId);
        if (mistake != null) {
            throw new WebhookVerificationException(Reason.MALFORMED_HEADER, mistake);
        }
        long seconds = freshness.check(TIMESTAMP, ReceivedHeader.require(TIMESTAMP, timestamp));
        List<String> each =
                List.of(ReceivedHeader.require(SIGNATURE, signatures).split(" ", -1));
        if (each.stream()
                        .filter(one -> one.startsWith(WebhookPrivateKey.SCHEME))
                        .count()
                > MOST_OF_KEY_PAIRS) {
            throw new WebhookVerificationException(
                    Reason.MALFORMED_HEADER, SIGNATURE + " has more than " + MOST_OF_KEY_PAIRS + " signatures v1a");
        }
        for (VerifyingKey key : keys) {
            if (key.fitsAny(checkedId, seconds, body, each)) {
                return;
            }
        }
        throw new WebhookVerificationException(
                Reason.NO_MATCHING_SIGNATURE,
                "no signature fits: another key signed, or id, timestamp or body are not the bytes that were signed");
    }
}
