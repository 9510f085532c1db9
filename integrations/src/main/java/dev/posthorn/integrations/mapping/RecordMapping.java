package dev.posthorn.integrations.mapping;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch.Rejection;
import dev.posthorn.integrations.connector.SourceRecord;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Finds the records in a document, and of each its type, its id and whether it was deleted. Immutable. */
public final class RecordMapping {
    private static final Pattern TYPE = Pattern.compile("[a-z0-9_.-]{1,64}");
    private static final Pattern WHOLE = Pattern.compile("[0-9]{1,40}");
    private static final int LONGEST_ID = 512;
    private static final int LONGEST_VERSION = 40;

    private final JsonPlace records;
    private final List<JsonPlace> ids;
    private final String type;
    private final Optional<JsonPlace> typeAt;
    private final Optional<Condition> deleted;
    private final Optional<JsonPlace> version;

    private RecordMapping(JsonNode configuration) {
        records = JsonPlace.of(configuration.path("at").asString(""));
        List<JsonPlace> places = new ArrayList<>();
        JsonNode id = configuration.path("id");
        if (id.isArray()) {
            id.forEach(each -> places.add(JsonPlace.of(each.asString())));
        } else {
            places.add(JsonPlace.of(id.asString("/id")));
        }
        ids = List.copyOf(places);
        type = configuration.path("type").asString("record");
        typeAt = configuration.has("type_at")
                ? Optional.of(JsonPlace.of(configuration.path("type_at").asString()))
                : Optional.empty();
        deleted = configuration.has("deleted")
                ? Optional.of(Condition.of(configuration.path("deleted")))
                : Optional.empty();
        version = configuration.has("version")
                ? Optional.of(JsonPlace.of(configuration.path("version").asString()))
                : Optional.empty();
    }

    /**
     * Reads one that is valid against the connector's JSON Schema: {@code at}, {@code id} (one pointer, or several for an id of parts),
     * {@code type} or {@code type_at}, {@code deleted}, {@code version}.
     *
     * @throws IllegalArgumentException if a pointer is none
     */
    public static RecordMapping of(JsonNode configuration) {
        return new RecordMapping(configuration);
    }

    /**
     * What a document holds.
     *
     * @param elements as they were found, in their order, also those that were rejected
     */
    public record Mapped(List<JsonNode> elements, List<SourceRecord> records, List<Rejection> rejected) {}

    /**
     * Reads a list of records. Null in its place is an empty one.
     *
     * @throws ConnectorException of class {@link Failure#SCHEMA_DRIFT} if there is no array, or nothing in it can be a record
     */
    public Mapped list(JsonNode document) throws ConnectorException {
        JsonNode there = records.in(document);
        if (there.isNull()) {
            return new Mapped(List.of(), List.of(), List.of());
        }
        if (!there.isArray()) {
            throw drift("an array of records is expected, but " + records.found(document));
        }
        List<JsonNode> elements = new ArrayList<>();
        there.forEach(elements::add);
        return map(elements, true);
    }

    /**
     * Reads one record, or a list of them.
     *
     * @throws ConnectorException of class {@link Failure#SCHEMA_DRIFT} if there is neither, or nothing in it can be a record
     */
    public Mapped oneOrList(JsonNode document) throws ConnectorException {
        JsonNode there = records.in(document);
        if (there.isObject()) {
            return map(List.of(there), false);
        }
        if (!there.isArray()) {
            throw drift("a record or an array of them is expected, but " + records.found(document));
        }
        return list(document);
    }

    private Mapped map(List<JsonNode> elements, boolean list) throws ConnectorException {
        List<SourceRecord> read = new ArrayList<>();
        List<Rejection> rejected = new ArrayList<>();
        for (int i = 0; i < elements.size(); i++) {
            String where = records.pointer() + (list ? "/" + i : "");
            Optional<String> mistake = map(elements.get(i), read);
            mistake.ifPresent(reason -> rejected.add(new Rejection(where, reason)));
        }
        if (read.isEmpty() && !rejected.isEmpty()) {
            Rejection first = rejected.get(0);
            String where = first.where().isEmpty() ? "the record" : first.where();
            throw drift("none of " + rejected.size() + " can be a record; " + where + ": " + first.reason());
        }
        return new Mapped(elements, read, rejected);
    }

    /** Adds the record, or says why it cannot be one. */
    private Optional<String> map(JsonNode element, List<SourceRecord> read) {
        if (!(element instanceof ObjectNode object)) {
            return Optional.of("an object is expected, but there is " + JsonPlace.kind(element));
        }
        List<String> parts = new ArrayList<>();
        for (JsonPlace place : ids) {
            JsonNode id = place.in(object);
            if (!id.isString() && !id.isIntegralNumber()) {
                return Optional.of("the id must be a text or a whole number, but " + place.found(object));
            }
            parts.add(id.asString());
        }
        String id = parts.size() == 1 ? parts.get(0) : joined(parts);
        if (id.isEmpty() || id.codePointCount(0, id.length()) > LONGEST_ID) {
            return Optional.of("the id has " + id.length() + " characters; it must have 1 to " + LONGEST_ID);
        }
        if (id.codePoints().anyMatch(c -> c < ' ' || c == 0x7f || (c >= 0xd800 && c <= 0xdfff))) {
            return Optional.of("the id holds a control character or half of a character");
        }
        String kind = type;
        if (typeAt.isPresent()) {
            kind = typeAt.get().in(object).asString("").toLowerCase(Locale.ROOT);
            if (!TYPE.matcher(kind).matches()) {
                return Optional.of("the type must be 1 to 64 characters of a-z, 0-9, _, . and -; "
                        + typeAt.get().found(object));
            }
        }
        boolean gone = deleted.isPresent() && deleted.get().holds(object);
        SourceRecord record = gone ? SourceRecord.deleted(kind, id) : SourceRecord.of(kind, id, object);
        if (version.isPresent()) {
            Optional<BigDecimal> known = version(version.get().in(object));
            if (known.isEmpty()) {
                return Optional.of("the version must be a number or a time, but "
                        + version.get().found(object));
            }
            record = record.withVersion(known.get());
        }
        read.add(record);
        return Optional.empty();
    }

    /** A number, as such or as a text, or a time as the seconds since 1970. */
    private static Optional<BigDecimal> version(JsonNode there) {
        if (there.isNumber()) {
            return Optional.of(there.decimalValue()).filter(number -> number.precision() <= LONGEST_VERSION);
        }
        String text = there.isString() ? there.stringValue() : "";
        if (WHOLE.matcher(text).matches()) {
            return Optional.of(new BigDecimal(text));
        }
        return TimeMark.parse(text)
                .map(TimeMark::instant)
                .map(at -> BigDecimal.valueOf(at.getEpochSecond()).add(BigDecimal.valueOf(at.getNano(), 9)));
    }

    /** Parts with slashes between them; slashes in them are escaped, so that no two lists of parts give the same id. */
    private static String joined(List<String> parts) {
        return String.join(
                "/",
                parts.stream()
                        .map(part -> part.replace("~", "~0").replace("/", "~1"))
                        .toList());
    }

    private static ConnectorException drift(String sentence) {
        return new ConnectorException(Failure.SCHEMA_DRIFT, sentence);
    }
}
