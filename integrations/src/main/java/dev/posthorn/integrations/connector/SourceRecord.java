package dev.posthorn.integrations.connector;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * One record of an external system.
 *
 * @param type kind of record, 1 to 64 characters of {@code [a-z0-9_.-]}, such as {@code transaction}
 * @param externalId the other side's own id, unique within integration and type, 1 to 512 characters
 * @param data what is known of it; null: it was deleted there
 * @param version grows with each change of the record, such as a counter or the seconds since 1970; an older one than the known one changes
 *     nothing, whenever it comes. Of at most 40 digits. Null: what comes last holds
 */
public record SourceRecord(
        String type,
        String externalId,
        @Nullable ObjectNode data,
        @Nullable BigDecimal version) {
    /** A record that is there. */
    public static SourceRecord of(String type, String externalId, ObjectNode data) {
        return new SourceRecord(type, externalId, data, null);
    }

    /** A record that the other side says is gone. */
    public static SourceRecord deleted(String type, String externalId) {
        return new SourceRecord(type, externalId, null, null);
    }

    /** The same with a version. */
    public SourceRecord withVersion(BigDecimal itsVersion) {
        return new SourceRecord(type, externalId, data, itsVersion);
    }
}
