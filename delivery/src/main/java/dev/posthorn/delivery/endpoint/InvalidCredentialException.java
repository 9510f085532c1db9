package dev.posthorn.delivery.endpoint;

/** A header, credential or certificate that cannot be used. The message says what is wrong and how to mend it, and repeats no secret. */
public final class InvalidCredentialException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String pointer;

    InvalidCredentialException(String pointer, String message) {
        super(message);
        this.pointer = pointer;
    }

    /** Which field of the endpoint it is, as a JSON pointer such as {@code /client_certificate/private_key}. */
    public String pointer() {
        return pointer;
    }
}
