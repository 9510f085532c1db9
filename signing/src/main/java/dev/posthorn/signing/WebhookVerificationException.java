package dev.posthorn.signing;

/** A received webhook is not to be believed. The message may be shown to its sender; it holds nothing secret and repeats no header. */
public final class WebhookVerificationException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** Why. */
    public enum Reason {
        /** A header is missing or empty. */
        MISSING_HEADER,
        /** A header stands there more than once, so that two readers could see two values. */
        DUPLICATE_HEADER,
        /** A header is longer, or has other characters or another form, than its sender may give it. */
        MALFORMED_HEADER,
        /** The timestamp is not a decimal number of seconds. */
        MALFORMED_TIMESTAMP,
        /** The timestamp lies further back than the tolerance: perhaps a replay. */
        TOO_OLD,
        /** The timestamp lies further ahead than the tolerance: one of the clocks is wrong. */
        TOO_NEW,
        /** Nothing fits: another key, or id, timestamp or body were changed. */
        NO_MATCHING_SIGNATURE
    }

    WebhookVerificationException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** Why the request was refused. */
    public Reason reason() {
        return reason;
    }
}
