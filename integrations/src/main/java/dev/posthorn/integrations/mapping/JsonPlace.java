package dev.posthorn.integrations.mapping;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A place in a JSON document, told by a JSON Pointer (RFC 6901). Immutable.
 *
 * @param pointer the empty one is the whole document
 */
public record JsonPlace(JsonPointer pointer) {
    private static final int NAMES = 8;
    /**
     * Any other is not told: half of a name, or one with a character replaced, may be part of a secret that was sent back as a name, and would not
     * be recognised as such.
     */
    private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}_@$.: -]{1,40}");

    /**
     * Reads a pointer.
     *
     * @throws IllegalArgumentException if it is neither empty nor begins with a slash
     */
    public static JsonPlace of(String pointer) {
        return new JsonPlace(JsonPointer.compile(pointer));
    }

    /** What stands there; a missing node if there is nothing. */
    public JsonNode in(JsonNode document) {
        return document.at(pointer);
    }

    /** Puts a value there; objects on the way that are missing are made. Returns false if something else is in the way. */
    public boolean put(ObjectNode document, JsonNode value) {
        ObjectNode parent = document;
        JsonPointer rest = pointer;
        while (!rest.matches() && !rest.tail().matches()) {
            JsonNode next = parent.path(rest.getMatchingProperty());
            if (next.isMissingNode()) {
                parent = parent.putObject(rest.getMatchingProperty());
            } else if (next instanceof ObjectNode object) {
                parent = object;
            } else {
                return false;
            }
            rest = rest.tail();
        }
        if (rest.matches()) {
            return false;
        }
        parent.set(rest.getMatchingProperty(), value);
        return true;
    }

    /** What was found there, for a message: names fields, repeats no values. */
    public String found(JsonNode document) {
        JsonNode there = in(document);
        if (!there.isMissingNode()) {
            return "at " + this + " there is " + kind(there);
        }
        JsonNode deepest = document;
        JsonPointer rest = pointer;
        StringBuilder walked = new StringBuilder();
        while (!rest.matches()) {
            JsonNode next = deepest.isArray()
                    ? deepest.path(rest.getMatchingIndex())
                    : deepest.path(rest.getMatchingProperty());
            if (next.isMissingNode()) {
                break;
            }
            walked.append('/').append(rest.getMatchingProperty());
            deepest = next;
            rest = rest.tail();
        }
        String where = walked.isEmpty() ? "the document" : walked.toString();
        return "there is nothing at " + this + ": " + where + " is " + kind(deepest);
    }

    /** What a value is, for a message: names fields, repeats no values. */
    public static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case MISSING -> "nothing";
            case NULL -> "null";
            case STRING -> "a text";
            case NUMBER -> "a number";
            case BOOLEAN -> "true or false";
            case ARRAY -> value.isEmpty() ? "an empty array" : "an array of " + value.size();
            case OBJECT -> value.isEmpty() ? "an empty object" : "an object with the fields " + names(value);
            case BINARY, POJO -> "something else";
        };
    }

    private static String names(JsonNode object) {
        List<String> names = new ArrayList<>();
        for (String name : object.propertyNames()) {
            if (names.size() == NAMES) {
                names.add("…");
                break;
            }
            names.add(NAME.matcher(name).matches() ? name : "…");
        }
        return String.join(", ", names);
    }

    /** The pointer; of the empty one, what it means. */
    @Override
    public String toString() {
        return pointer.matches() ? "the root" : pointer.toString();
    }
}
