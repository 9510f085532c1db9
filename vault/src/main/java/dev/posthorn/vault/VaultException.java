package dev.posthorn.vault;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** A secret cannot be stored or read. The message is one sentence for an operator, with the mend, and holds nothing secret. */
public final class VaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final Reason reason;

    /** Why, for programs. */
    public enum Reason {
        /** What was given makes no sense; the message begins with the name of the field. */
        INVALID,
        /** There is no such secret, or no value of it. */
        NOT_FOUND,
        /** It exists already, or somebody else wrote it meanwhile. */
        CONFLICT,
        /** It is past its end and is given to nobody. */
        EXPIRED,
        /** The keys at hand do not open it, or it was tampered with. */
        UNREADABLE,
        /** The store lets us read only. */
        READ_ONLY,
        /** The store refuses us; its operator must give a right. */
        FORBIDDEN,
        /** The store cannot be asked now: away, sealed or overloaded. To be tried again. */
        UNAVAILABLE
    }

    /**
     * @param message one sentence with the mend, nothing secret
     * @param cause null if there is none; it may be logged, so it holds nothing secret either
     */
    public VaultException(Reason reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    VaultException(String message, @Nullable Throwable cause) {
        this(Reason.UNREADABLE, message, cause);
    }

    /** What a failure of the database means; no SQL of ours carries a secret, so its message does not either. */
    static VaultException of(SQLException failure) {
        String state = failure.getSQLState() == null ? "" : failure.getSQLState();
        if (state.equals("23503")) {
            return new VaultException(Reason.INVALID, "community: there is no such community", null);
        }
        String message = failure.getMessage() == null
                ? ""
                : failure.getMessage().lines().findFirst().orElse("");
        return new VaultException(
                Reason.UNAVAILABLE, "the database did not keep or give the secret: " + message, failure);
    }

    /** Why. */
    public Reason reason() {
        return reason;
    }
}
