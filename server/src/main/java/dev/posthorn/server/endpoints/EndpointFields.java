package dev.posthorn.server.endpoints;

import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What may be set of an endpoint, as the statements take it: for each field whether it was given, and its value. */
final class EndpointFields {
    static final List<String> KNOWN = List.of(
            "url",
            "description",
            "event_types",
            "filter",
            "payload_format",
            "max_in_flight",
            "timeout_seconds",
            "max_attempts",
            "retry_schedule",
            "rate_limit",
            "rate_period",
            "ordering",
            "ordering_key",
            "on_dead_letter",
            "enabled");

    private EndpointFields() {}

    /** Two arguments per field of {@link #KNOWN}, {@code enabled} excepted: whether given, and the value as text or list. */
    static List<@Nullable Object> arguments(JsonNode body) {
        List<@Nullable Object> arguments = new ArrayList<>();
        for (String name : KNOWN.subList(0, KNOWN.size() - 1)) {
            JsonNode value = body.get(name);
            arguments.add(value != null && !(value.isNull() && !isNullable(name)));
            arguments.add(value == null || value.isNull() ? null : value(name, value));
        }
        return arguments;
    }

    static @Nullable Boolean enabled(JsonNode body) {
        JsonNode value = body.get("enabled");
        if (value == null) {
            return null;
        }
        if (!value.isBoolean()) {
            throw Problem.invalid("/enabled", "enabled must be true or false");
        }
        return value.booleanValue();
    }

    private static boolean isNullable(String name) {
        return switch (name) {
            case "filter", "retry_schedule", "rate_limit", "ordering_key" -> true;
            default -> false;
        };
    }

    private static Object value(String name, JsonNode value) {
        return switch (name) {
            case "event_types" -> texts(value);
            case "retry_schedule" -> seconds(value);
            case "max_in_flight", "timeout_seconds", "max_attempts", "rate_limit" -> number(name, value);
            default -> {
                if (!value.isString()) {
                    throw Problem.invalid("/" + name, name + " must be a text");
                }
                yield value.stringValue();
            }
        };
    }

    private static Integer number(String name, JsonNode value) {
        if (!value.isInt()) {
            throw Problem.invalid("/" + name, name + " must be a whole number");
        }
        return value.intValue();
    }

    private static List<String> texts(JsonNode value) {
        List<String> texts = new ArrayList<>();
        if (value.isArray()) {
            for (JsonNode item : value) {
                if (item.isString()) {
                    texts.add(item.stringValue());
                }
            }
        }
        if (texts.isEmpty() || texts.size() != value.size()) {
            throw Problem.invalid("/event_types", "event_types must be a list of texts, such as [\"payment.*\"]");
        }
        return texts;
    }

    /** Intervals as PostgreSQL reads them. */
    private static List<String> seconds(JsonNode value) {
        List<String> intervals = new ArrayList<>();
        if (value.isArray()) {
            for (JsonNode item : value) {
                if (item.isNumber()) {
                    intervals.add(item.asDouble() + " seconds");
                }
            }
        }
        if (intervals.isEmpty() || intervals.size() != value.size()) {
            throw Problem.invalid(
                    "/retry_schedule", "retry_schedule must be a list of seconds, such as [60, 300, 3600], or null");
        }
        return intervals;
    }

    static String url(JsonNode body) {
        return ApiRequest.requiredText(body, "url");
    }
}
