package dev.posthorn.signing;

/** A received webhook is not to be believed. The message may be shown to its sender; it holds nothing secret. */
public final class WebhookVerificationException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** Why. */
    public enum Reason {
        /** One of the three headers is missing or empty. */
        MISSING_HEADER,
        /** The timestamp is not a decimal number of seconds. */
        MALFORMED_TIMESTAMP,
        /** The timestamp lies further back than the tolerance: perhaps a replay. */
        TOO_OLD,
        /** The timestamp lies further ahead than the tolerance: one of the clocks is wrong. */
        TOO_NEW,
        /** Nothing fits: another secret, or id, timestamp or body were changed. */
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
