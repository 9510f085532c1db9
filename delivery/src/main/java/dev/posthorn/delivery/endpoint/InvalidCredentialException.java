package dev.posthorn.delivery.endpoint;

/** A header, credential or certificate that cannot be used. The message says what is wrong and how to mend it, and repeats no secret. */
public final class InvalidCredentialException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    private final String pointer;
    private final String sentence;

    InvalidCredentialException(String pointer, String sentence) {
        super(sentence);
        this.pointer = pointer;
        this.sentence = sentence;
    }

    /** What is wrong and how to mend it. */
    public String sentence() {
        return sentence;
    }

    /** Which field of the endpoint it is, as a JSON pointer such as {@code /client_certificate/private_key}. */
    public String pointer() {
        return pointer;
    }
}
