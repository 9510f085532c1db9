package dev.posthorn.server.rest;

import dev.posthorn.vault.VaultException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Translates what the vault says into what a caller of the API should hear; what concerns the operator is logged instead. */
final class VaultProblems {
    private static final Logger LOG = LoggerFactory.getLogger(VaultProblems.class);

    private VaultProblems() {}

    static Problem translate(VaultException e) {
        String message = String.valueOf(e.getMessage());
        return switch (e.reason()) {
            case INVALID -> invalid(message);
            case NOT_FOUND -> Problem.notFound("secret");
            case CONFLICT, READ_ONLY, EXPIRED -> Problem.conflict(message);
            case UNREADABLE, FORBIDDEN, UNAVAILABLE -> {
                LOG.warn("the vault: {}", message);
                yield Problem.unavailable(
                        e.reason() == VaultException.Reason.UNAVAILABLE
                                ? "the store of secrets cannot be reached; try again"
                                : "the store of secrets refuses this server; its log says what is to be mended");
            }
        };
    }

    /** The message begins with the name of the field. */
    private static Problem invalid(String message) {
        int colon = message.indexOf(": ");
        boolean named = colon > 0 && message.substring(0, colon).matches("[a-z_]+");
        return Problem.invalid(
                named ? "/" + message.substring(0, colon) : "", named ? message.replaceFirst(": it ", " ") : message);
    }
}
