package dev.posthorn.vault;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a secret without reading it.
 *
 * @param id stays the same in every version
 * @param owner the thing whose secret it is; null if it stands for itself
 * @param fields the names of the fields of a structured credential; null if the value is one text
 * @param store where the value is: {@code database}, or the name of another store
 * @param reference what the store itself calls the value; null where Posthorn keeps it
 * @param version the newest that was written through Posthorn; 0 while none was
 * @param expiresAt from when on it is given to nobody; null never
 * @param previousUntil until when the version before the newest is used beside it; null not at all
 */
public record SecretMetadata(
        UUID id,
        UUID community,
        String purpose,
        @Nullable UUID owner,
        String name,
        String description,
        @Nullable List<String> fields,
        String store,
        @Nullable String reference,
        int version,
        @Nullable Instant expiresAt,
        @Nullable Instant previousUntil) {
    SecretAddress address() {
        return new SecretAddress(community, id, reference);
    }
}
