package dev.posthorn.vault;

import org.jspecify.annotations.Nullable;

/**
 * Who writes, for the audit log.
 *
 * @param actor such as {@code key:} and an API key's id
 * @param idempotencyKey a key under which a repetition within 24 hours writes nothing more, 1 to 255 characters; null if there is none
 */
public record SecretAuthor(String actor, @Nullable String idempotencyKey) {
    /** Checks the key. */
    public SecretAuthor {
        if (idempotencyKey != null && (idempotencyKey.isEmpty() || idempotencyKey.length() > 255)) {
            throw NewSecret.invalid("Idempotency-Key: it must have 1 to 255 characters");
        }
    }

    /** An author without idempotency key. */
    public static SecretAuthor of(String actor) {
        return new SecretAuthor(actor, null);
    }
}
