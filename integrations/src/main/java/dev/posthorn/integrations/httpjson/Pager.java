package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** How one gets from a page to the next. A place is JSON that only its own pager understands; null is the first page. Immutable. */
sealed interface Pager permits CursorPages, NumberedPages, Pager.OnePage, UrlPages {
    /** The place as parameters of the request. */
    void ask(Parameters request, @Nullable JsonNode place) throws ConnectorException;

    /** The address of a place, where that is a whole address, which replaces address and query of the configuration. */
    default Optional<String> address(@Nullable JsonNode place) {
        return Optional.empty();
    }

    /** Where the next page is; null after the last one. */
    @Nullable
    ObjectNode next(@Nullable JsonNode place, Page page) throws ConnectorException;

    /** Reads {@code pagination} of a configuration. */
    static Pager of(JsonNode pagination) {
        return switch (pagination.path("type").asString("none")) {
            case "cursor" -> CursorPages.of(pagination);
            case "page" -> NumberedPages.of(pagination, false);
            case "offset" -> NumberedPages.of(pagination, true);
            case "next_url" -> UrlPages.at(pagination.path("next_at").asString());
            case "link" -> UrlPages.inHeader();
            default -> new OnePage();
        };
    }

    /** Everything comes at once. */
    record OnePage() implements Pager {
        @Override
        public void ask(Parameters request, @Nullable JsonNode place) {}

        @Override
        public @Nullable ObjectNode next(@Nullable JsonNode place, Page page) {
            return null;
        }
    }
}
