package dev.posthorn.integrations.connector;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Some records, and from where to read on once they are saved.
 *
 * @param records in the order in which they are to be saved; of several with the same type and id the last one holds. May be empty, where only
 *     the cursor moves
 * @param rejected what was read and cannot be a record; counted, and written into the run's log
 * @param cursor JSON of at most 64 KiB that only this connector understands; null: from the beginning
 */
public record RecordBatch(
        List<SourceRecord> records,
        List<Rejection> rejected,
        @Nullable JsonNode cursor) {
    /**
     * Something that cannot be a record.
     *
     * @param where it was found, such as {@code /items/17}; holds no secret
     * @param reason one sentence
     */
    public record Rejection(String where, String reason) {}

    /** Keeps copies of the lists. */
    public RecordBatch {
        records = List.copyOf(records);
        rejected = List.copyOf(rejected);
    }

    /** Records alone. */
    public static RecordBatch of(List<SourceRecord> records, @Nullable JsonNode cursor) {
        return new RecordBatch(records, List.of(), cursor);
    }
}
