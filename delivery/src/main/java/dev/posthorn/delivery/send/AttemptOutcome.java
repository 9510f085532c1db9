package dev.posthorn.delivery.send;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.outage.Fault;
import org.jspecify.annotations.Nullable;

/** What came of an attempt. */
public sealed interface AttemptOutcome {
    /** The delivery that was tried. */
    ClaimedDelivery delivery();

    /** What a receiver asks for by the header {@code webhook-delivery}. */
    enum Wish {
        /** Nothing. */
        NONE,
        /** {@code abort-message}: not this delivery again. */
        ABORT_MESSAGE,
        /** {@code disable}: nothing more to this endpoint, until somebody enables it. */
        DISABLE
    }

    /**
     * The receiver answered; 200 to 299 is success.
     *
     * @param excerpt the beginning of the answer's body, at most 4 KiB, without the endpoint's credentials; empty if it had none
     * @param retryAfterSeconds what a 429 or 503 asked for, at most a day; null if it did not
     */
    record Answered(
            ClaimedDelivery delivery,
            int statusCode,
            String excerpt,
            @Nullable Integer retryAfterSeconds,
            Wish wish,
            int durationMillis)
            implements AttemptOutcome {
        /** Whether the receiver has taken it. */
        public boolean delivered() {
            return statusCode >= 200 && statusCode <= 299;
        }

        /** {@code receiver_aborted} or {@code receiver_disabled} where the receiver wished it; null otherwise. */
        public @Nullable String errorClass() {
            return switch (wish) {
                case NONE -> null;
                // What is delivered needs no end.
                case ABORT_MESSAGE -> delivered() ? null : "receiver_aborted";
                case DISABLE -> "receiver_disabled";
            };
        }

        /** One sentence about what failed or was wished; null if nothing. */
        public @Nullable String error() {
            if (wish == Wish.DISABLE) {
                return "the receiver answered " + statusCode + " and wishes no more deliveries";
            }
            if (delivered()) {
                return null;
            }
            return wish == Wish.ABORT_MESSAGE
                    ? "the receiver answered " + statusCode + " and cancelled this delivery"
                    : "the receiver answered " + statusCode;
        }
    }

    /**
     * There was no answer, or it was not even asked for.
     *
     * @param errorClass {@code timeout, dns, connect, tls, tls_expired, tls_name, tls_untrusted, tls_version, response, io, oauth2,
     *     address_refused} or {@code url_refused}
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
