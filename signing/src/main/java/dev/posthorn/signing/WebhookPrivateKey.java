package dev.posthorn.signing;

import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.NamedParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/**
 * The secret half of an Ed25519 key pair (RFC 8032), with which a sender signs ({@code v1a}). Receivers get its {@link #verifyingKey()},
 * with which nobody can sign.
 *
 * <p>Written {@code whsk_} and base64 of 64 bytes: the 32 bytes that RFC 8032 calls the private key, then the 32 of the public key. The
 * specification leaves the layout open; this is the one in use elsewhere. The first 32 bytes alone are read too.
 *
 * <p>Immutable and thread-safe. {@link #toString()} shows nothing of the secret; only {@link #encoded()} does.
 */
public final class WebhookPrivateKey implements SigningKey {
    /** What every written secret key begins with. */
    public static final String PREFIX = "whsk_";

    static final String SCHEME = "v1a,";

    private static final int SIZE = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final byte[] seed;
    private final PrivateKey key;
    private final WebhookPublicKey publicKey;

    private WebhookPrivateKey(KeyPair pair) {
        this.key = pair.getPrivate();
        this.seed = ((EdECPrivateKey) key)
                .getBytes()
                .orElseThrow(() -> new IllegalStateException("the Ed25519 provider does not give out its keys"));
        this.publicKey = WebhookPublicKey.of((EdECPublicKey) pair.getPublic());
    }

    /** A new, random key pair. */
    public static WebhookPrivateKey generate() {
        return new WebhookPrivateKey(pair(RANDOM));
    }

    /**
     * Reads a written secret key, with or without its prefix.
     *
     * @throws IllegalArgumentException if it is not base64 of 32 bytes, or of 64 of which the last 32 are the public key of the first; the
     *     message does not repeat the key
     */
    public static WebhookPrivateKey parse(String encoded) {
        byte[] bytes = SignedContent.keyBytes("webhook secret key", PREFIX, encoded);
        if (bytes.length != SIZE && bytes.length != 2 * SIZE) {
            throw new IllegalArgumentException("a webhook secret key has 64 bytes, this one has " + bytes.length
                    + "; generate one with WebhookPrivateKey.generate()");
        }
        byte[] seed = Arrays.copyOf(bytes, SIZE);
        WebhookPrivateKey key = new WebhookPrivateKey(pair(new Replay(seed)));
        if (!MessageDigest.isEqual(seed, key.seed)) {
            throw new IllegalStateException("the Ed25519 provider does not make keys as RFC 8032 says");
        }
        if (bytes.length == 2 * SIZE
                && !Arrays.equals(Arrays.copyOfRange(bytes, SIZE, 2 * SIZE), key.publicKey.bytes())) {
            throw new IllegalArgumentException(
                    "the last 32 bytes of this webhook secret key are not the public key of the first 32");
        }
        return key;
    }

    /** The secret key as the sender stores it: {@code whsk_…}. */
    @Override
    public String encoded() {
        byte[] both = Arrays.copyOf(seed, 2 * SIZE);
        System.arraycopy(publicKey.bytes(), 0, both, SIZE, SIZE);
        return PREFIX + Base64.getEncoder().encodeToString(both);
    }

    /** The public half, for receivers. */
    @Override
    public WebhookPublicKey verifyingKey() {
        return publicKey;
    }

    @Override
    public String sign(String id, long timestamp, byte[] body) {
        byte[] signature = signature(SignedContent.head(id, timestamp), body);
        return SCHEME + Base64.getEncoder().encodeToString(signature);
    }

    byte[] signature(byte[] head, byte[] body) {
        try {
            Signature signature = Signature.getInstance(WebhookPublicKey.ALGORITHM);
            signature.initSign(key);
            signature.update(head);
            signature.update(body);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Ed25519 cannot sign: " + e.getMessage(), e);
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof WebhookPrivateKey that && MessageDigest.isEqual(seed, that.seed);
    }

    @Override
    public int hashCode() {
        return publicKey.hashCode();
    }

    @Override
    public String toString() {
        return PREFIX + "***";
    }

    private static KeyPair pair(SecureRandom random) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(WebhookPublicKey.ALGORITHM);
            generator.initialize(NamedParameterSpec.ED25519, random);
            return generator.generateKeyPair();
        } catch (NoSuchAlgorithmException | InvalidAlgorithmParameterException e) {
            throw new IllegalStateException("this Java has no Ed25519; add module jdk.crypto.ec", e);
        }
    }

    /**
     * A private key given as "random" bytes. The JDK has no other way from a private key to its public key: by RFC 8032 a new private key
     * is 32 random bytes as they are, so a generator that draws these makes the pair they belong to.
     */
    private static final class Replay extends SecureRandom {
        private static final long serialVersionUID = 1L;

        @SuppressWarnings("serial") // never serialized
        private final byte[] drawn;

        Replay(byte[] drawn) {
            this.drawn = drawn;
        }

        @Override
        public void nextBytes(byte[] bytes) {
            if (bytes.length != drawn.length) {
                throw new IllegalStateException("the Ed25519 provider does not make keys as RFC 8032 says");
            }
            System.arraycopy(drawn, 0, bytes, 0, drawn.length);
        }
    }
}
