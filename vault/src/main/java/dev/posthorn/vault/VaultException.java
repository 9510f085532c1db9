package dev.posthorn.vault;

import org.jspecify.annotations.Nullable;

/** A secret cannot be stored or read. The message is one sentence for an operator, with the mend, and holds nothing secret. */
public final class VaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    VaultException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
