package dev.posthorn.vault;

import dev.posthorn.vault.VaultException.Reason;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a secret is to be known by; nothing in it is secret.
 *
 * @param community the community it belongs to
 * @param purpose what it is for, {@code [a-z][a-z_]*}, at most 63 characters; {@code endpoint_…} is kept for endpoints
 * @param owner the thing whose secret it is; null if it stands for itself
 * @param name 1 to 200 characters, one for each community, purpose and owner
 * @param description for people, at most 1,000 characters
 * @param fields the names of the fields of a structured credential; null if the value is one text
 * @param expiresAt from when on it is given to nobody; null never
 */
public record NewSecret(
        UUID community,
        String purpose,
        @Nullable UUID owner,
        String name,
        String description,
        @Nullable List<String> fields,
        @Nullable Instant expiresAt) {
    private static final Pattern PURPOSE = Pattern.compile("[a-z][a-z_]{0,62}");
    private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

    /** Checks each field; a {@link VaultException} with {@link Reason#INVALID} names the one that is wrong. */
    public NewSecret {
        if (!PURPOSE.matcher(purpose).matches()) {
            throw invalid("purpose: it must be 1 to 63 small letters and _, beginning with a letter");
        }
        if (purpose.startsWith("endpoint_")) {
            throw invalid("purpose: what begins with endpoint_ is kept for endpoints; take another word");
        }
        if (name.isEmpty() || name.length() > 200 || CONTROL.matcher(name).find()) {
            throw invalid("name: it must be 1 to 200 characters without control characters");
        }
        checkDescription(description);
        fields = fields == null ? null : List.copyOf(fields);
    }

    static void checkDescription(String description) {
        if (description.length() > 1000 || description.indexOf('\0') >= 0) {
            throw invalid("description: it must be at most 1000 characters");
        }
    }

    static VaultException invalid(String message) {
        return new VaultException(Reason.INVALID, message, null);
    }
}
