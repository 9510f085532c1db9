package dev.posthorn.integrations.httpjson;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How far reading has come, as it is kept in a cursor.
 *
 * @param since the mark that the requests of this run are made with; null for none
 * @param highest value seen in this run so far; null for none
 * @param began when the run's first page was asked for
 * @param place the page to ask for next; null for the first
 */
record Position(
        @Nullable String since,
        @Nullable String highest,
        Instant began,
        @Nullable JsonNode place) {
    private static final String PAGER = "pager";

    /** The first page of a run. */
    static Position first(@Nullable String since, Instant now) {
        return new Position(since, since, now, null);
    }

    /**
     * Reads a cursor. What does not fit the settings, because they have changed since, is left out, so that more is read and not less.
     */
    static Position of(@Nullable JsonNode cursor, HttpJsonSettings settings, Instant now) {
        if (cursor == null) {
            return first(null, now);
        }
        String since = mark(cursor.path("since"), settings.increment());
        String highest = mark(cursor.path("highest"), settings.increment());
        JsonNode place = cursor.path("place");
        if (!place.isObject() || !cursor.path(PAGER).asString("").equals(name(settings.pager()))) {
            return first(since, now);
        }
        try {
            return new Position(
                    since, highest, Instant.parse(cursor.path("began").asString("")), place);
        } catch (DateTimeException malformed) {
            return first(since, now);
        }
    }

    /** The cursor of a page that more pages follow. */
    ObjectNode cursor(Pager pager) {
        ObjectNode cursor = JsonNodeFactory.instance.objectNode();
        if (since != null) {
            cursor.put("since", since);
        }
        if (highest != null) {
            cursor.put("highest", highest);
        }
        cursor.put("began", began.toString());
        cursor.put(PAGER, name(pager));
        if (place != null) {
            cursor.set("place", place);
        }
        return cursor;
    }

    /** The cursor of the last page: null if there is no mark. */
    static @Nullable ObjectNode settled(@Nullable String mark) {
        return mark == null ? null : JsonNodeFactory.instance.objectNode().put("since", mark);
    }

    private static @Nullable String mark(JsonNode stored, Optional<Increment> increment) {
        String mark = stored.asString("");
        return !mark.isEmpty() && increment.isPresent() && increment.get().fits(mark) ? mark : null;
    }

    private static String name(Pager pager) {
        return switch (pager) {
            case CursorPages unused -> "cursor";
            case NumberedPages numbered -> numbered.offset() ? "offset" : "page";
            case UrlPages unused -> "url";
            case Pager.OnePage unused -> "none";
        };
    }
}
