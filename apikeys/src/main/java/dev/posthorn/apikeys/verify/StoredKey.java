package dev.posthorn.apikeys.verify;

import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.RateLimit;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a key that exists.
 *
 * @param communityId the community within which it works; null for a service key, which works across all
 * @param owner whom it was given to; null if nobody said
 * @param mode {@code live} or {@code test}
 * @param allowedNetworks from where it may be used; from everywhere if empty
 * @param metadata the text of a JSON object
 * @param expiresAt when it ends, for the text that was presented: for one that was replaced, when its grace ends; null never
 * @param rateLimits its limits by name
 * @param hasCredits whether it has a number of calls left, which every call must ask the database for
 */
public record StoredKey(
        UUID id,
        @Nullable UUID communityId,
        String name,
        @Nullable String owner,
        String mode,
        List<String> scopes,
        List<Network> allowedNetworks,
        String metadata,
        @Nullable Instant expiresAt,
        Map<String, RateLimit> rateLimits,
        boolean hasCredits) {}
