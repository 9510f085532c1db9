package dev.posthorn.apikeys.verify;

import dev.posthorn.apikeys.RateLimit;
import org.jspecify.annotations.Nullable;

/**
 * What a call left of a rate limit and of the credits.
 *
 * @param name of the limit
 * @param limit null if the key has no limit of that name
 * @param remaining tokens that are left, as far as this node knows; 0 if there is no limit
 * @param resetSeconds until the bucket is full again; 0 if there is no limit
 * @param credits calls that are left; null if the key has no such bound
 */
public record Quota(
        String name,
        @Nullable RateLimit limit,
        long remaining,
        int resetSeconds,
        @Nullable Long credits) {}
