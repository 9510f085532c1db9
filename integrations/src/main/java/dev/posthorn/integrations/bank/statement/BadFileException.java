package dev.posthorn.integrations.bank.statement;

import dev.posthorn.integrations.connector.Failure;

/** A file that yields no statement that could be believed. Its message is one sentence that says where and what; the file is named by whoever read it. */
public final class BadFileException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Failure failure;

    private BadFileException(Failure failure, String sentence) {
        super(sentence);
        this.failure = failure;
    }

    /** It is not what its format says. */
    public static BadFileException malformed(String sentence) {
        return new BadFileException(Failure.MALFORMED, sentence);
    }

    /** It is readable and contradicts itself. */
    public static BadFileException inconsistent(String sentence) {
        return new BadFileException(Failure.INCONSISTENT, sentence);
    }

    /** It cannot be read as the integration is configured. */
    public static BadFileException misconfigured(String sentence) {
        return new BadFileException(Failure.CONFIGURATION, sentence);
    }

    /** It may not be read by who we are. */
    public static BadFileException forbidden(String sentence) {
        return new BadFileException(Failure.PERMISSION, sentence);
    }

    /** Its columns are not the ones that the integration was told of. */
    public static BadFileException drifted(String sentence) {
        return new BadFileException(Failure.SCHEMA_DRIFT, sentence);
    }

    /** What kind of failure the run ends with. */
    public Failure failure() {
        return failure;
    }

    /** The sentence. */
    public String sentence() {
        return String.valueOf(getMessage());
    }
}
