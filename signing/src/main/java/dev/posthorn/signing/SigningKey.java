package dev.posthorn.signing;

/**
 * What a sender signs with: a {@link WebhookSecret} that the receiver shares ({@code v1}), or a {@link WebhookPrivateKey} that it never
 * sees ({@code v1a}). Immutable and thread-safe.
 */
public sealed interface SigningKey permits WebhookSecret, WebhookPrivateKey {
    /**
     * Reads a written key; its prefix says which kind it is, and one without a prefix is a secret.
     *
     * @throws IllegalArgumentException if it is none; the message does not repeat it
     */
    static SigningKey parse(String encoded) {
        if (encoded.startsWith(WebhookPublicKey.PREFIX)) {
            throw new IllegalArgumentException("whpk_ marks a public key, which verifies; sign with its whsk_ key");
        }
        return encoded.startsWith(WebhookPrivateKey.PREFIX)
                ? WebhookPrivateKey.parse(encoded)
                : WebhookSecret.parse(encoded);
    }

    /** The key as it is stored or handed over: {@code whsec_…} or {@code whsk_…}. It is a secret. */
    String encoded();

    /**
     * What the receiver needs to verify: the secret itself, or the public key of the pair.
     */
    VerifyingKey verifyingKey();

    /**
     * One signature with the identifier of its scheme: {@code v1,<base64>} or {@code v1a,<base64>}. {@link WebhookSigner} makes the whole
     * header.
     *
     * @param id value of the {@code webhook-id} header: visible ASCII without a dot
     * @param timestamp value of the {@code webhook-timestamp} header: seconds since 1970
     * @param body the exact bytes of the body
     * @throws IllegalArgumentException if a receiver would refuse the id or the timestamp whatever the signature
     */
    String sign(String id, long timestamp, byte[] body);
}
