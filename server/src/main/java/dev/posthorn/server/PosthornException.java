package dev.posthorn.server;

/** Something an operator must mend. The message is one sentence that says what is wrong and what to do; it is printed as it is. */
public final class PosthornException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int exitCode;

    /** The command line's exit codes, as sysexits.h numbers them. */
    public static final int UNAVAILABLE = 69;

    /** Something in the configuration is wrong. */
    public static final int CONFIGURATION = 78;

    /** A failure that ends the program with the given exit code. */
    public PosthornException(int exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /** The exit code of the program. */
    public int exitCode() {
        return exitCode;
    }
}
