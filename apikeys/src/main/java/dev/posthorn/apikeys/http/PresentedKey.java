package dev.posthorn.apikeys.http;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where a request carries its key: {@code Authorization: Bearer <key>} (RFC 6750) or {@code X-API-Key: <key>}. Never in the URL, which logs keep. */
public final class PresentedKey {
    /** The other header. */
    public static final String HEADER = "X-API-Key";

    private static final String BEARER = "Bearer ";

    private PresentedKey() {}

    /**
     * The key of a request; empty if it carries none.
     *
     * @param authorization the header {@code Authorization}
     * @param apiKey the header {@link #HEADER}
     * @throws IllegalArgumentException if it carries two different ones, which RFC 6750 forbids
     */
    public static Optional<String> of(@Nullable String authorization, @Nullable String apiKey) {
        String bearer = authorization != null && authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? authorization.substring(BEARER.length()).strip()
                : "";
        String other = apiKey == null ? "" : apiKey.strip();
        if (!bearer.isEmpty() && !other.isEmpty() && !bearer.equals(other)) {
            throw new IllegalArgumentException("Authorization and " + HEADER + " carry different keys");
        }
        String key = bearer.isEmpty() ? other : bearer;
        return key.isEmpty() ? Optional.empty() : Optional.of(key);
    }
}
