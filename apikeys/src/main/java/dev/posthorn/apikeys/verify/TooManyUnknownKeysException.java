package dev.posthorn.apikeys.verify;

import java.sql.SQLTransientConnectionException;

/**
 * A key that this node has not seen before was not looked up, because too many keys that do not exist were presented lately. It says
 * nothing about the key: answer 503 with {@code Retry-After}, never 401.
 */
public final class TooManyUnknownKeysException extends SQLTransientConnectionException {
    private static final long serialVersionUID = 1L;

    TooManyUnknownKeysException() {
        super("too many API keys that do not exist are presented; keys that are new to this node must wait");
    }

    /** It is thrown as often as somebody invents keys, and where is known. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
