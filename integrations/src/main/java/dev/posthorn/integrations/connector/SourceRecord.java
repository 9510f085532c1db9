package dev.posthorn.integrations.connector;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One record of an external system.
 *
 * @param type kind of record, 1 to 64 characters of {@code [a-z0-9_.-]}, such as {@code transaction}
 * @param externalId the other side's own id, unique within integration and type, 1 to 512 characters
 * @param data what is known of it; null: it was deleted there
 */
public record SourceRecord(
        String type, String externalId, @Nullable ObjectNode data) {
    /** A record that is there. */
    public static SourceRecord of(String type, String externalId, ObjectNode data) {
        return new SourceRecord(type, externalId, data);
    }

    /** A record that the other side says is gone. */
    public static SourceRecord deleted(String type, String externalId) {
        return new SourceRecord(type, externalId, null);
    }
}
