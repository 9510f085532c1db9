package dev.posthorn.signing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * A shared secret with which deliveries to one endpoint are signed ({@code v1}, HMAC-SHA256): 24 to 64 random bytes, written
 * {@code whsec_} and base64.
 *
 * <p>Immutable and thread-safe. {@link #toString()} shows nothing of the secret; only {@link #encoded()} does.
 *
 * @see <a href="https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md">Standard Webhooks</a>
 */
public final class WebhookSecret implements SigningKey, VerifyingKey {
    /** What every written secret begins with. */
    public static final String PREFIX = "whsec_";

    private static final String SCHEME = "v1,";
    private static final int SMALLEST = 24;
    private static final int LARGEST = 64;
    private static final int GENERATED = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] bytes;
    private final SecretKeySpec key;

    private WebhookSecret(byte[] bytes) {
        if (bytes.length < SMALLEST || bytes.length > LARGEST) {
            throw new IllegalArgumentException("a webhook secret has " + SMALLEST + " to " + LARGEST
                    + " bytes, this one has " + bytes.length + "; generate one with WebhookSecret.generate()");
        }
        this.bytes = bytes;
        this.key = new SecretKeySpec(bytes, SignedContent.HMAC);
    }

    /** A new secret of 32 random bytes. */
    public static WebhookSecret generate() {
        byte[] bytes = new byte[GENERATED];
        RANDOM.nextBytes(bytes);
        return new WebhookSecret(bytes);
    }

    /**
     * A secret of the given bytes, which are copied.
     *
     * @throws IllegalArgumentException if they are fewer than 24 or more than 64
     */
    public static WebhookSecret of(byte[] bytes) {
        return new WebhookSecret(bytes.clone());
    }

    /**
     * Reads a written secret, with or without its prefix.
     *
     * @throws IllegalArgumentException if it is not base64 of 24 to 64 bytes; the message does not repeat the secret
     */
    public static WebhookSecret parse(String encoded) {
        return new WebhookSecret(SignedContent.keyBytes("webhook secret", PREFIX, encoded));
    }

    /** The secret as it is given to the receiver: {@code whsec_…}. */
    @Override
    public String encoded() {
        return PREFIX + Base64.getEncoder().encodeToString(bytes);
    }

    /** This secret: sender and receiver hold the same. */
    @Override
    public WebhookSecret verifyingKey() {
        return this;
    }

    @Override
    public String sign(String id, long timestamp, byte[] body) {
        byte[] mac = SignedContent.hmac(key, SignedContent.head(id, timestamp), body);
        return SCHEME + Base64.getEncoder().encodeToString(mac);
    }

    /** {@inheritDoc} The comparison takes the same time wherever a signature differs. */
    @Override
    public boolean fitsAny(String id, long timestamp, byte[] body, List<String> signatures) {
        byte[] expected = sign(id, timestamp, body).getBytes(US_ASCII);
        boolean fits = false;
        for (String signature : signatures) {
            fits |= MessageDigest.isEqual(expected, signature.getBytes(UTF_8));
        }
        return fits;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof WebhookSecret that && MessageDigest.isEqual(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return PREFIX + "***";
    }
}
