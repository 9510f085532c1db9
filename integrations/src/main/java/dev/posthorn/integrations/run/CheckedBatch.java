package dev.posthorn.integrations.run;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordBatch.Rejection;
import dev.posthorn.integrations.connector.SourceRecord;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A batch whose every record PostgreSQL will take, as the arrays in which it goes there.
 *
 * @param datas JSON texts; null: deleted
 * @param versions null: unknown
 * @param rejections those of the connector, and those found here
 * @param cursor JSON text; null: from the beginning
 */
record CheckedBatch(
        List<String> types,
        List<String> externalIds,
        List<@Nullable String> datas,
        List<@Nullable BigDecimal> versions,
        List<Rejection> rejections,
        @Nullable String cursor) {
    private static final Pattern TYPE = Pattern.compile("[a-z0-9_.-]{1,64}");
    private static final int LONGEST_ID = 512;
    /** Digits after and before the decimal point that {@code numeric} takes. */
    private static final int FINEST_NUMBER = 16_383;

    private static final int LARGEST_NUMBER = 131_072;
    private static final int LONGEST_VERSION = 40;
    private static final int LARGEST_CURSOR = 64 * 1024;

    /**
     * Checks what a connector yields.
     *
     * @throws ConnectorException if the cursor is too large: a defect of the connector, which would never come forward
     */
    static CheckedBatch of(RecordBatch batch) throws ConnectorException {
        JsonNode cursor = batch.cursor();
        String cursorText = cursor == null || cursor.isNull() ? null : cursor.toString();
        if (cursorText != null && cursorText.getBytes(StandardCharsets.UTF_8).length > LARGEST_CURSOR) {
            throw new ConnectorException(
                    Failure.INTERNAL, "the connector's cursor has more than " + LARGEST_CURSOR + " bytes");
        }
        return of(batch.records(), batch.rejected(), cursorText);
    }

    static CheckedBatch of(List<SourceRecord> records, List<Rejection> rejected, @Nullable String cursor) {
        int size = records.size();
        List<String> types = new ArrayList<>(size);
        List<String> ids = new ArrayList<>(size);
        List<@Nullable String> datas = new ArrayList<>(size);
        List<@Nullable BigDecimal> versions = new ArrayList<>(size);
        List<Rejection> rejections = new ArrayList<>(rejected);
        for (SourceRecord record : records) {
            ObjectNode data = record.data();
            String text = data == null ? null : data.toString();
            Optional<String> wrong = wrong(record, text);
            if (wrong.isPresent()) {
                rejections.add(new Rejection(place(record), wrong.get()));
            } else {
                types.add(record.type());
                ids.add(record.externalId());
                datas.add(text);
                versions.add(record.version());
            }
        }
        return new CheckedBatch(types, ids, datas, versions, rejections, cursor);
    }

    private static Optional<String> wrong(SourceRecord record, @Nullable String data) {
        if (!TYPE.matcher(record.type()).matches()) {
            return Optional.of("its type must be 1 to 64 of a-z, 0-9, _, . and -");
        }
        String id = record.externalId();
        if (id.isEmpty() || id.length() > LONGEST_ID || !storable(id)) {
            return Optional.of("its id must have 1 to " + LONGEST_ID + " characters, none of them NUL");
        }
        if (data != null && !storable(data)) {
            return Optional.of("it holds a NUL or half a character, which PostgreSQL cannot keep");
        }
        BigDecimal version = record.version();
        if (version != null && (version.precision() > LONGEST_VERSION || Math.abs(version.scale()) > LONGEST_VERSION)) {
            return Optional.of("its version must have at most " + LONGEST_VERSION + " digits");
        }
        return record.data() != null && holdsBoundlessNumber(record.data())
                ? Optional.of("it holds a number that is larger or finer than PostgreSQL can keep")
                : Optional.empty();
    }

    /** Jackson writes NUL as an escape, and half a surrogate pair as it is. */
    private static boolean storable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0 || (c == '\\' && isEscapedNul(text, i))) {
                return false;
            }
            if (c == '\\') {
                i++;
            } else if (Character.isHighSurrogate(c)) {
                if (i + 1 == text.length() || !Character.isLowSurrogate(text.charAt(i + 1))) {
                    return false;
                }
                i++;
            } else if (Character.isLowSurrogate(c)) {
                return false;
            }
        }
        return true;
    }

    /** Beyond the range of {@code numeric}, such as {@code 1e999999}. */
    private static boolean holdsBoundlessNumber(JsonNode value) {
        if (value.isBigDecimal() || value.isBigInteger()) {
            BigDecimal number = value.decimalValue();
            return number.scale() > FINEST_NUMBER || number.precision() - number.scale() > LARGEST_NUMBER;
        }
        return value.isContainer() && value.valueStream().anyMatch(CheckedBatch::holdsBoundlessNumber);
    }

    private static boolean isEscapedNul(String text, int backslash) {
        return text.startsWith("u0000", backslash + 1);
    }

    private static String place(SourceRecord record) {
        String id = record.externalId();
        return record.type() + " " + (id.length() <= 64 ? id : id.substring(0, 64) + "…");
    }
}
