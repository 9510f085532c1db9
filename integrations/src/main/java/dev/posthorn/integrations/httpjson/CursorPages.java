package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.Condition;
import dev.posthorn.integrations.mapping.JsonPlace;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Each answer names the next page by a value that is sent with the next request.
 *
 * @param nextAt where the value stands: in the answer, or in its last record
 * @param inLastRecord whether it is in the last record
 * @param more what holds of the answer while there is more; empty: as long as there is a value
 */
record CursorPages(JsonPlace nextAt, boolean inLastRecord, Optional<Condition> more, Placement to) implements Pager {
    private static final String CURSOR = "cursor";
    private static final int LONGEST = 8192;

    static CursorPages of(JsonNode pagination) {
        boolean inLastRecord = pagination.has("next_in_last_record");
        return new CursorPages(
                JsonPlace.of(pagination
                        .path(inLastRecord ? "next_in_last_record" : "next_at")
                        .asString()),
                inLastRecord,
                pagination.has("more_at")
                        ? Optional.of(new Condition(
                                JsonPlace.of(pagination.path("more_at").asString()), Set.of()))
                        : Optional.empty(),
                Placement.of(pagination.path("to")));
    }

    @Override
    public void ask(Parameters request, @Nullable JsonNode place) throws ConnectorException {
        if (place != null) {
            to.put(request, place.path(CURSOR));
        }
    }

    @Override
    public @Nullable ObjectNode next(@Nullable JsonNode place, Page page) throws ConnectorException {
        if (more.isPresent() && !more.get().holds(page.json())) {
            return null;
        }
        if (inLastRecord && page.elements().isEmpty()) {
            return null;
        }
        JsonNode in = inLastRecord ? page.elements().get(page.elements().size() - 1) : page.json();
        JsonNode value = nextAt.in(in);
        boolean none = value.isMissingNode()
                || value.isNull()
                || (value.isBoolean() && !value.booleanValue())
                || (value.isString() && value.stringValue().isEmpty());
        if (none && !inLastRecord && more.isEmpty()) {
            return null;
        }
        if (none || (!value.isString() && !value.isNumber()) || value.asString().length() > LONGEST) {
            throw new ConnectorException(
                    Failure.SCHEMA_DRIFT,
                    "the cursor of the next page must be a text or a number of at most " + LONGEST + " characters, but "
                            + (inLastRecord ? "in the last record " : "") + nextAt.found(in));
        }
        ObjectNode next = JsonNodeFactory.instance.objectNode();
        next.set(CURSOR, value);
        return next;
    }
}
