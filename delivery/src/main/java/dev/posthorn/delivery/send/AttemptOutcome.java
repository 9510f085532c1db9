package dev.posthorn.delivery.send;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.outage.Fault;
import org.jspecify.annotations.Nullable;

/** What came of an attempt. */
public sealed interface AttemptOutcome {
    /** The delivery that was tried. */
    ClaimedDelivery delivery();

    /**
     * The receiver answered; 200 to 299 is success.
     *
     * @param excerpt the beginning of the answer's body, at most 4 KiB; empty if it had none
     * @param retryAfterSeconds what a 429 or 503 asked for, at most a day; null if it did not
     */
    record Answered(
            ClaimedDelivery delivery,
            int statusCode,
            String excerpt,
            @Nullable Integer retryAfterSeconds,
            int durationMillis)
            implements AttemptOutcome {
        /** Whether the receiver has taken it. */
        public boolean delivered() {
            return statusCode >= 200 && statusCode <= 299;
        }
    }

    /**
     * There was no answer, or it was not even asked for.
     *
     * @param errorClass {@code timeout, dns, connect, tls, response, io, address_refused} or {@code url_refused}
     * @param error one sentence for the endpoint's owner; no internal address
     */
    record Unanswered(ClaimedDelivery delivery, String errorClass, String error, int durationMillis)
            implements AttemptOutcome {}

    /**
     * It failed, or was not even tried, for a reason on our own side; the delivery goes back and no attempt is used.
     *
     * @param fault what it met when it was tried, kept in the history; null if it was not tried
     * @param reason one sentence for the operator
     */
    record Unsent(ClaimedDelivery delivery, @Nullable Fault fault, String reason, int durationMillis)
            implements AttemptOutcome {
        /** It was not tried. */
        public static Unsent untried(ClaimedDelivery delivery, String reason) {
            return new Unsent(delivery, null, reason, 0);
        }
    }
}
