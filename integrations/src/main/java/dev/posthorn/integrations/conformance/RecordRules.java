package dev.posthorn.integrations.conformance;

import static dev.posthorn.integrations.conformance.Examination.require;

import dev.posthorn.integrations.conformance.Examination.BrokenException;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.SourceRecord;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Rules for records and cursors. */
final class RecordRules {
    private static final int LARGEST_CURSOR = 64 * 1024;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private RecordRules() {}

    static void records(List<SourceRecord> records) throws BrokenException {
        for (SourceRecord record : records) {
            require(
                    record.type().matches("[a-z0-9_.-]{1,64}"),
                    "a record's type is not 1 to 64 characters of a-z, 0-9, _, . and -");
            String id = record.externalId();
            require(
                    !id.isEmpty() && id.codePointCount(0, id.length()) <= 512,
                    "a record's id has " + id.length() + " characters, not 1 to 512");
            require(
                    id.codePoints().noneMatch(c -> c == 0 || (c >= 0xd800 && c <= 0xdfff)),
                    "a record's id has a character that PostgreSQL cannot store");
        }
    }

    static void batch(RecordBatch batch) throws BrokenException {
        records(batch.records());
        for (RecordBatch.Rejection rejection : batch.rejected()) {
            require(!rejection.reason().isBlank(), "a rejection gives no reason");
        }
        JsonNode cursor = batch.cursor();
        if (cursor != null) {
            byte[] stored = cursor.toString().getBytes(StandardCharsets.UTF_8);
            require(stored.length <= LARGEST_CURSOR, "a cursor has " + stored.length + " bytes, more than 64 KiB");
            require(!cursor.isNull() && !cursor.isMissingNode(), "a cursor is JSON's null; say null instead");
            require(!Surroundings.tells(cursor.toString()), "a cursor holds a credential");
        }
    }

    /** A cursor as it comes back from the database. */
    static JsonNode stored(JsonNode cursor) {
        return JSON.readTree(cursor.toString());
    }

    /** What holds after batches have been saved: of several with the same type and id the last. */
    static Map<String, String> saved(List<RecordBatch> batches) {
        Map<String, String> saved = new HashMap<>();
        for (RecordBatch batch : batches) {
            for (SourceRecord record : batch.records()) {
                saved.put(record.type() + " " + record.externalId(), String.valueOf(record.data()));
            }
        }
        return saved;
    }
}
