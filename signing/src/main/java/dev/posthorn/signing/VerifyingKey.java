package dev.posthorn.signing;

import java.util.List;

/**
 * What a receiver verifies with: a {@link WebhookSecret} ({@code v1}) or a {@link WebhookPublicKey} ({@code v1a}). Immutable and
 * thread-safe.
 */
public sealed interface VerifyingKey permits WebhookSecret, WebhookPublicKey {
    /**
     * Reads a written key; its prefix says which kind it is, and one without a prefix is a secret.
     *
     * @throws IllegalArgumentException if it is none; the message does not repeat it
     */
    static VerifyingKey parse(String encoded) {
        if (encoded.startsWith(WebhookPrivateKey.PREFIX)) {
            throw new IllegalArgumentException(
                    "whsk_ marks a secret key, which only the sender may hold; verify with its" + " whpk_ key");
        }
        return encoded.startsWith(WebhookPublicKey.PREFIX)
                ? WebhookPublicKey.parse(encoded)
                : WebhookSecret.parse(encoded);
    }

    /** The key as it is written: {@code whsec_…}, which is a secret, or {@code whpk_…}, which is not. */
    String encoded();

    /**
     * Whether any of the signatures is this key's over the given content. {@link WebhookVerifier} also checks that the request is fresh.
     *
     * @param id value of the {@code webhook-id} header: visible ASCII without a dot
     * @param timestamp value of the {@code webhook-timestamp} header: seconds since 1970
     * @param body the exact bytes of the body
     * @param signatures each with the identifier of its scheme; those of other schemes and malformed ones fit nothing
     * @throws IllegalArgumentException if the id or the timestamp is none that can be signed
     */
    boolean fitsAny(String id, long timestamp, byte[] body, List<String> signatures);
}
