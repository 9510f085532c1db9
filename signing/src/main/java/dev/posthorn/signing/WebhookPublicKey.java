package dev.posthorn.signing;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The public half of an Ed25519 key pair (RFC 8032), with which a receiver verifies ({@code v1a}): 32 bytes, written {@code whpk_} and
 * base64. It is no secret, but where it comes from must be trusted. Immutable and thread-safe.
 */
public final class WebhookPublicKey implements VerifyingKey {
    /** What every written public key begins with. */
    public static final String PREFIX = "whpk_";

    static final String ALGORITHM = "Ed25519";

    private static final int SIZE = 32;
    private static final int SIGNATURE_CHARACTERS = 88;

    private static final String NO_POINT = "this webhook public key is none: its 32 bytes are no point of the curve";

    private static final BigInteger P = BigInteger.TWO.pow(255).subtract(BigInteger.valueOf(19));
    private static final BigInteger ORDER_8 =
            new BigInteger("2707385501144840649318225287225658788936804267575313519463743609750303402022");
    /** y of the points of order 1, 2, 4 and 8. For such a "key" anybody can make signatures; 32 bytes of zero are one. */
    private static final Set<BigInteger> FORGEABLE =
            Set.of(BigInteger.ZERO, BigInteger.ONE, P.subtract(BigInteger.ONE), ORDER_8, P.subtract(ORDER_8));

    private final byte[] bytes;
    private final PublicKey key;

    private WebhookPublicKey(byte[] bytes) {
        if (bytes.length != SIZE) {
            throw new IllegalArgumentException(
                    "a webhook public key has " + SIZE + " bytes, this one has " + bytes.length);
        }
        this.bytes = bytes;
        this.key = decoded(bytes);
    }

    /**
     * Reads a written public key, with or without its prefix.
     *
     * @throws IllegalArgumentException if it is not base64 of 32 bytes that are a point of the curve, or one that protects nothing
     */
    public static WebhookPublicKey parse(String encoded) {
        return new WebhookPublicKey(SignedContent.keyBytes("webhook public key", PREFIX, encoded));
    }

    static WebhookPublicKey of(EdECPublicKey key) {
        EdECPoint point = key.getPoint();
        byte[] bytes = reversed(point.getY().toByteArray());
        if (point.isXOdd()) {
            bytes[SIZE - 1] |= (byte) 0x80;
        }
        return new WebhookPublicKey(bytes);
    }

    /** The key as it is given to receivers: {@code whpk_…}. */
    @Override
    public String encoded() {
        return PREFIX + Base64.getEncoder().encodeToString(bytes);
    }

    @Override
    public boolean fitsAny(String id, long timestamp, byte[] body, List<String> signatures) {
        byte[] head = SignedContent.head(id, timestamp);
        for (String signature : signatures) {
            if (signature.startsWith(WebhookPrivateKey.SCHEME)
                    && fits(head, body, signature.substring(WebhookPrivateKey.SCHEME.length()))) {
                return true;
            }
        }
        return false;
    }

    byte[] bytes() {
        return bytes.clone();
    }

    boolean fits(byte[] head, byte[] body, String base64) {
        if (base64.length() != SIGNATURE_CHARACTERS) {
            return false;
        }
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initVerify(key);
            signature.update(head);
            signature.update(body);
            return signature.verify(Base64.getDecoder().decode(base64));
        } catch (IllegalArgumentException | SignatureException malformed) {
            return false;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Ed25519 cannot verify: " + e.getMessage(), e);
        }
    }

    /** RFC 8032, section 5.1.3: y, the lowest byte first, with the sign of x in the highest bit. */
    private static PublicKey decoded(byte[] bytes) {
        byte[] y = bytes.clone();
        boolean xOdd = y[SIZE - 1] < 0;
        y[SIZE - 1] &= 0x7f;
        EdECPoint point = new EdECPoint(xOdd, new BigInteger(1, reversed(y)));
        if (point.getY().compareTo(P) >= 0) {
            throw new IllegalArgumentException(NO_POINT);
        }
        if (FORGEABLE.contains(point.getY())) {
            throw new IllegalArgumentException("this webhook public key protects nothing: anybody can sign for it");
        }
        try {
            PublicKey key = KeyFactory.getInstance(ALGORITHM)
                    .generatePublic(new EdECPublicKeySpec(NamedParameterSpec.ED25519, point));
            // Not before it is used does the JDK look whether it is a point of the curve.
            Signature.getInstance(ALGORITHM).initVerify(key);
            return key;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException(NO_POINT);
        }
    }

    /** The other end first, 32 bytes long. */
    private static byte[] reversed(byte[] number) {
        byte[] reversed = new byte[SIZE];
        for (int i = 0; i < Math.min(SIZE, number.length); i++) {
            reversed[i] = number[number.length - 1 - i];
        }
        return reversed;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof WebhookPublicKey that && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return encoded();
    }
}
