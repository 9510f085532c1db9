package dev.posthorn.apikeys;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Whether a presented key lets its caller in. */
public sealed interface VerifiedKey {
    /**
     * It does.
     *
     * @param communityId the community within which it works; null for a service key, which works across all
     */
    record Valid(UUID id, @Nullable UUID communityId, String name, List<String> scopes) implements VerifiedKey {}

    /** It does not. */
    record Denied(Reason reason) implements VerifiedKey {}

    /** Why not. */
    enum Reason {
        /** No such key; malformed ones included. */
        UNKNOWN,
        /** It was revoked. */
        REVOKED,
        /** Its time is over. */
        EXPIRED
    }
}
