package dev.posthorn.apikeys;

/**
 * A token bucket: it begins full, {@code max} tokens flow in every {@code periodSeconds}, and it never holds more than {@code max}.
 *
 * @param max from 1 to 1,000,000,000
 * @param periodSeconds from 1 second to 31 days
 */
public record RateLimit(int max, int periodSeconds) {
    /** The name of the limit that is drawn from when none is named. */
    public static final String DEFAULT = "default";

    private static final int MOST = 1_000_000_000;
    private static final int LONGEST_SECONDS = 31 * 86_400;

    /** Refuses what is out of range. */
    public RateLimit {
        if (max < 1 || max > MOST) {
            throw new IllegalArgumentException("limit must be a number from 1 to " + MOST);
        }
        if (periodSeconds < 1 || periodSeconds > LONGEST_SECONDS) {
            throw new IllegalArgumentException("period_seconds must be a number from 1 to " + LONGEST_SECONDS);
        }
    }
}
