package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.JsonPlace;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.LongNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Pages are counted, or the records before them.
 *
 * @param offset whether the number is that of the records before the page, else that of the page
 * @param to where the number goes
 * @param start number of the first page
 * @param sizeTo where the size goes, if it is sent
 * @param size how many records a full page has; 0 if that is not known
 * @param end by what the last page is known
 * @param totalAt where the answer says how many records or pages there are, for the ends that need it
 */
record NumberedPages(
        boolean offset,
        Placement to,
        long start,
        Optional<Placement> sizeTo,
        int size,
        End end,
        Optional<JsonPlace> totalAt)
        implements Pager {
    private static final String NUMBER = "number";
    private static final String SEEN = "seen";

    /** By what the last page is known. */
    enum End {
        /** It is followed by one without records: costs a request more, and is always right. */
        EMPTY,
        /** It has fewer records than were asked for: wrong where the other side gives fewer than it is asked for. */
        SHORT,
        /** The answer says how many records there are. */
        TOTAL,
        /** The answer says how many pages there are. */
        PAGES
    }

    static NumberedPages of(JsonNode pagination, boolean offset) {
        End end = switch (pagination.path("end").asString("empty")) {
            case "short" -> End.SHORT;
            case "total" -> End.TOTAL;
            case "pages" -> End.PAGES;
            default -> End.EMPTY;
        };
        return new NumberedPages(
                offset,
                Placement.of(pagination.path("to")),
                pagination.path("start").asLong(offset ? 0 : 1),
                pagination.has("size_to") ? Optional.of(Placement.of(pagination.path("size_to"))) : Optional.empty(),
                pagination.path("size").asInt(0),
                end,
                pagination.has("total_at")
                        ? Optional.of(JsonPlace.of(pagination.path("total_at").asString()))
                        : Optional.empty());
    }

    @Override
    public void ask(Parameters request, @Nullable JsonNode place) throws ConnectorException {
        to.put(
                request,
                LongNode.valueOf(place == null ? start : place.path(NUMBER).asLong()));
        if (sizeTo.isPresent() && size > 0) {
            sizeTo.get().put(request, IntNode.valueOf(size));
        }
    }

    @Override
    public @Nullable ObjectNode next(@Nullable JsonNode place, Page page) throws ConnectorException {
        long number = place == null ? start : place.path(NUMBER).asLong();
        int count = page.elements().size();
        long seen = (place == null ? 0 : place.path(SEEN).asLong()) + count;
        boolean last = switch (end) {
            case EMPTY -> count == 0;
            case SHORT -> count == 0 || count < size;
            case TOTAL -> seen >= total(page);
            case PAGES -> number - start + 1 >= total(page);
        };
        if (last) {
            return null;
        }
        if (count == 0) {
            throw new ConnectorException(
                    Failure.INCONSISTENT,
                    "a page came without records, and by " + totalAt.orElseThrow() + " there are more than the " + seen
                            + " that came before; if the other side counts what it does not list, use \"end\": \"empty\"");
        }
        ObjectNode next = JsonNodeFactory.instance.objectNode();
        next.put(NUMBER, offset ? number + count : number + 1);
        next.put(SEEN, seen);
        return next;
    }

    private long total(Page page) throws ConnectorException {
        JsonPlace at = totalAt.orElseThrow(() -> new ConnectorException(
                Failure.CONFIGURATION, "pagination.total_at is missing, which \"end\": \"total\" and \"pages\" need"));
        JsonNode total = at.in(page.json());
        if (total.isString() && total.stringValue().matches("[0-9]{1,15}")) {
            return Long.parseLong(total.stringValue());
        }
        if (!total.isIntegralNumber() || !total.canConvertToLong()) {
            throw new ConnectorException(
                    Failure.SCHEMA_DRIFT,
                    "the number of records or pages must be a whole number, but " + at.found(page.json()));
        }
        return total.asLong();
    }
}
