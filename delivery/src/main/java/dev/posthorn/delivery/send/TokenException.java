package dev.posthorn.delivery.send;

/** There is no access token. */
final class TokenException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient SendFailure failure;

    TokenException(SendFailure failure) {
        super(failure.sentence());
        this.failure = failure;
    }

    /** What the attempt that needed the token comes to. */
    SendFailure failure() {
        return failure;
    }
}
