package dev.posthorn.integrations.push;

/** A request does not prove who sent it. The message may be shown to its sender; it repeats nothing of the request. */
final class NotGenuineException extends Exception {
    private static final long serialVersionUID = 1L;

    NotGenuineException(String reason) {
        super(reason);
    }

    String reason() {
        return String.valueOf(getMessage());
    }
}
