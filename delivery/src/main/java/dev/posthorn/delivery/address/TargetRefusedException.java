package dev.posthorn.delivery.address;

/**
 * A target may not be sent to.
 */
public final class TargetRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final RefusalClass reason;
    private final String sentence;
    private final String detail;

    TargetRefusedException(RefusalClass reason, String sentence) {
        this(reason, sentence, sentence);
    }

    TargetRefusedException(RefusalClass reason, String sentence, String detail) {
        // A refusal is an answer and not a defect: no stack trace is filled in.
        super(sentence, null, false, false);
        this.reason = reason;
        this.sentence = sentence;
        this.detail = detail;
    }

    /** Why, for machines. */
    public RefusalClass reason() {
        return reason;
    }

    /** One sentence for whoever named the target; holds no resolved address and nothing that a resolver said. The message, too. */
    public String sentence() {
        return sentence;
    }

    /** One sentence for the operator; may name the address that a name leads to. */
    public String detail() {
        return detail;
    }
}
