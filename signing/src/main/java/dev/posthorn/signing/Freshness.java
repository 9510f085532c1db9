package dev.posthorn.signing;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Duration;

/** How far a timestamp may lie from a clock, in either direction. */
record Freshness(Duration tolerance, Clock clock) {
    private static final long LATEST = 999_999_999_999L;

    Freshness {
        if (tolerance.isNegative()) {
            throw new IllegalArgumentException("the tolerance must not be negative");
        }
    }

    static void requireSeconds(long timestamp) {
        if (timestamp < 0 || timestamp > LATEST) {
            throw new IllegalArgumentException(
                    "the timestamp must be seconds since 1970, 0 to " + LATEST + ", not " + timestamp);
        }
    }

    /**
     * The seconds since 1970 that a text says.
     *
     * @param name where the text stood, for the message
     */
    long check(String name, String timestamp) throws WebhookVerificationException {
        // Exactly the digits that were signed: +1 or 007 are other texts with the same number.
        if (!timestamp.matches("0|[1-9][0-9]{0,11}")) {
            throw new WebhookVerificationException(
                    Reason.MALFORMED_TIMESTAMP, name + " is not a decimal number of seconds since 1970");
        }
        long seconds = Long.parseLong(timestamp);
        long ahead = seconds - clock.instant().getEpochSecond();
        if (-ahead > tolerance.toSeconds()) {
            throw new WebhookVerificationException(
                    Reason.TOO_OLD,
                    name + " lies " + -ahead + " s back, " + tolerance.toSeconds()
                            + " s are tolerated: a replay, or a clock is wrong");
        }
        if (ahead > tolerance.toSeconds()) {
            throw new WebhookVerificationException(
                    Reason.TOO_NEW,
                    name + " lies " + ahead + " s ahead, " + tolerance.toSeconds()
                            + " s are tolerated: a clock is wrong");
        }
        return seconds;
    }
}
