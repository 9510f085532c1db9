package dev.posthorn.integrations.connector;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Something did not work. Its message is one sentence for people, names place and mend, and holds no secret. */
public final class ConnectorException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Failure failure;
    private final @Nullable Duration retryAfter;

    /** Of a class, with a sentence. */
    public ConnectorException(Failure failure, String sentence) {
        this(failure, sentence, null, null);
    }

    /** Of a class, with a sentence and what it came from, which only the operator's log shows. */
    public ConnectorException(Failure failure, String sentence, @Nullable Throwable cause) {
        this(failure, sentence, null, cause);
    }

    private ConnectorException(
            Failure failure, String sentence, @Nullable Duration retryAfter, @Nullable Throwable cause) {
        super(sentence, cause);
        this.failure = failure;
        this.retryAfter = retryAfter;
    }

    /** The other side asks for fewer requests, and may have said when to come again; at most a day is waited. */
    public static ConnectorException rateLimited(String sentence, @Nullable Duration retryAfter) {
        return new ConnectorException(Failure.RATE_LIMITED, sentence, retryAfter, null);
    }

    /** What kind it is. */
    public Failure failure() {
        return failure;
    }

    /** How long the other side wants to be left alone. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    /** The sentence; the message, too. */
    public String sentence() {
        String message = getMessage();
        return message == null ? failure.code() : message;
    }
}
