package dev.posthorn.vault;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a new value, or a change without one, does to what is known of a secret.
 *
 * @param description the new one; null leaves it
 * @param fields the names of the fields of the new value; null if it is one text
 * @param changesEnd whether {@code expiresAt} is to be set
 * @param expiresAt from when on it is given to nobody; null never
 * @param overlap how long the value before is used beside the new one; zero not at all
 */
public record SecretChange(
        @Nullable String description,
        @Nullable List<String> fields,
        boolean changesEnd,
        @Nullable Instant expiresAt,
        Duration overlap) {
    /** Checks the description. */
    public SecretChange {
        if (description != null) {
            NewSecret.checkDescription(description);
        }
        fields = fields == null ? null : List.copyOf(fields);
    }

    /** A value of one text that replaces the one before at once, and changes nothing else. */
    public static SecretChange value() {
        return new SecretChange(null, null, false, null, Duration.ZERO);
    }

    /** The same for a structured credential. */
    public static SecretChange value(@Nullable List<String> fields) {
        return new SecretChange(null, fields, false, null, Duration.ZERO);
    }

    /** The same with an overlap. */
    public SecretChange overlapping(Duration keep) {
        return new SecretChange(description, fields, changesEnd, expiresAt, keep);
    }
}
