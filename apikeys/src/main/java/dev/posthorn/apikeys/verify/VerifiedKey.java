package dev.posthorn.apikeys.verify;

import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Whether a presented key lets its caller in. */
public sealed interface VerifiedKey {
    /** {@code valid}, or the reason in small letters, as SQL and REST spell it. */
    String code();

    /** What is left of the rate limit and the credits; null if there are none, or they were not reached. */
    @Nullable
    Quota quota();

    /** It does. */
    record Valid(StoredKey key, @Nullable Quota quota) implements VerifiedKey {
        @Override
        public String code() {
            return "valid";
        }

        /** Id of the key. */
        public UUID id() {
            return key.id();
        }

        /** The community within which it works; null for a service key, which works across all. */
        public @Nullable UUID communityId() {
            return key.communityId();
        }

        /** What it may do. */
        public List<String> scopes() {
            return key.scopes();
        }
    }

    /**
     * It does not.
     *
     * @param key what is known of it; null if there is no such key
     * @param retryAfterSeconds when the same call may succeed; null if waiting does not help
     */
    record Denied(
            Reason reason,
            @Nullable StoredKey key,
            @Nullable Quota quota,
            @Nullable Integer retryAfterSeconds) implements VerifiedKey {
        static Denied because(Reason reason, @Nullable StoredKey key) {
            return new Denied(reason, key, null, null);
        }

        @Override
        public String code() {
            return reason.code();
        }
    }

    /** Why not, in the order in which it is asked. */
    enum Reason {
        /** No such key; malformed ones included, and those of another community than the one that asks. */
        UNKNOWN,
        /** It was revoked, or its community deleted. */
        REVOKED,
        /** It is disabled for now. */
        DISABLED,
        /** Its time is over, or the grace after its rotation is. */
        EXPIRED,
        /** It may not be used from there. */
        IP_NOT_ALLOWED,
        /** It lacks a scope. */
        SCOPE_MISSING,
        /** Its rate limit is used up. */
        RATE_LIMITED,
        /** Its credits are used up. */
        CREDITS_EXHAUSTED;

        /** In small letters. */
        public String code() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
