package dev.posthorn.signing;

import java.util.List;

/**
 * Signs requests with one or, while keys rotate, several keys of either kind. Immutable and thread-safe.
 *
 * <p>What is signed is {@code id.timestamp.body}; the header value has one {@code v1,<base64>} or {@code v1a,<base64>} per key, separated
 * by blanks.
 */
public final class WebhookSigner {
    private final List<SigningKey> keys;

    /**
     * @param keys the keys in use, the newest first; so few that the header stays short, since servers refuse one of more than 8 KiB
     * @throws IllegalArgumentException if there is none
     */
    public WebhookSigner(List<? extends SigningKey> keys) {
        if (keys.isEmpty()) {
            throw new IllegalArgumentException("signing needs at least one key");
        }
        this.keys = List.copyOf(keys);
    }

    /**
     * The value of the {@code webhook-signature} header.
     *
     * @param id value of the {@code webhook-id} header: visible ASCII without a dot, which would let parts of the body pass for a
     *     timestamp
     * @param timestamp value of the {@code webhook-timestamp} header: seconds since 1970
     * @param body the exact bytes of the body
     * @throws IllegalArgumentException if a receiver would refuse the id or the timestamp whatever the signature
     */
    public String sign(String id, long timestamp, byte[] body) {
        StringBuilder signatures = new StringBuilder(96 * keys.size());
        for (SigningKey key : keys) {
            if (!signatures.isEmpty()) {
                signatures.append(' ');
            }
            signatures.append(key.sign(id, timestamp, body));
        }
        return signatures.toString();
    }
}
