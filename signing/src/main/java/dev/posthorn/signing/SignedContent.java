package dev.posthorn.signing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** What the schemes have in common: the bytes before the body, HMAC-SHA256, and how keys are written. */
final class SignedContent {
    static final String HMAC = "HmacSHA256";

    private SignedContent() {}

    /**
     * {@code id.timestamp.}, which stands before the body in what is signed.
     *
     * @throws IllegalArgumentException if a receiver would refuse the id or the timestamp whatever the signature
     */
    static byte[] head(String id, long timestamp) {
        String mistake = mistakeOfId(id);
        if (mistake != null) {
            throw new IllegalArgumentException(mistake);
        }
        Freshness.requireSeconds(timestamp);
        return (id + '.' + timestamp + '.').getBytes(UTF_8);
    }

    /**
     * What is wrong with an id, null if nothing. A dot in it would let {@code a.1} at time 2 pass for {@code a} at time 1 with a body that
     * begins with {@code 2.}
     */
    static @Nullable String mistakeOfId(String id) {
        boolean fine = !id.isEmpty()
                && id.length() <= ReceivedHeader.LONGEST
                && id.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '.');
        return fine ? null : "webhook-id must be visible ASCII characters other than a dot";
    }

    static byte[] hmac(SecretKeySpec key, byte[] head, byte[] body) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(key);
            mac.update(head);
            return mac.doFinal(body);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }

    /**
     * The bytes of a written key.
     *
     * @param what it should be, for the message, which does not repeat the key
     */
    static byte[] keyBytes(String what, String prefix, String encoded) {
        String base64 = encoded.startsWith(prefix) ? encoded.substring(prefix.length()) : encoded;
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "a " + what + " is " + prefix + " followed by base64; this one is not base64");
        }
    }
}
