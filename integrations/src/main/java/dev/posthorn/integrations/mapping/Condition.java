package dev.posthorn.integrations.mapping;

import java.util.HashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Whether a document is of a certain kind: {@code {"at": "/status", "equals": ["deleted", "void"]}}, or without {@code equals} whether
 * something stands there that is neither null nor false.
 *
 * @param at where
 * @param values any of which fits; empty: any that is neither null nor false
 */
public record Condition(JsonPlace at, Set<JsonNode> values) {
    /** Keeps a copy of the set. */
    public Condition {
        values = Set.copyOf(values);
    }

    /** Reads one that is valid against the connector's JSON Schema. */
    public static Condition of(JsonNode configuration) {
        Set<JsonNode> values = new HashSet<>();
        JsonNode equals = configuration.path("equals");
        if (equals.isArray()) {
            equals.forEach(values::add);
        } else if (!equals.isMissingNode()) {
            values.add(equals);
        }
        return new Condition(JsonPlace.of(configuration.path("at").asString("")), values);
    }

    /** Whether it holds of a document. */
    public boolean holds(JsonNode document) {
        JsonNode there = at.in(document);
        if (!values.isEmpty()) {
            return values.contains(there);
        }
        return !there.isMissingNode() && !there.isNull() && !(there.isBoolean() && !there.booleanValue());
    }
}
