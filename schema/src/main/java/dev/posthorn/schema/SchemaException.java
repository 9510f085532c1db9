package dev.posthorn.schema;

/** The database cannot be migrated or used as it is. The message is one sentence for an operator, with the mend. */
public final class SchemaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    SchemaException(String message) {
        super(message);
    }

    SchemaException(String message, Throwable cause) {
        super(message, cause);
    }
}
