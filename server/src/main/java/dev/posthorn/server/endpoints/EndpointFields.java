package dev.posthorn.server.endpoints;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.endpoint.InvalidCredentialException;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
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
            "signature_schemes",
            "signature_header",
            "trusted_ca",
            "enabled");

    /** What may be given besides, and is kept in the vault. */
    static final List<String> WITH_CREDENTIALS =
            Stream.concat(KNOWN.stream(), CredentialFields.KNOWN.stream()).toList();

    private EndpointFields() {}

    /** Two arguments per field of {@link #KNOWN}, {@code enabled} excepted: whether given, and the value as text or list. */
    static List<@Nullable Object> arguments(JsonNode body, AddressPolicy addresses) {
        List<@Nullable Object> arguments = new ArrayList<>();
        for (String name : KNOWN.subList(0, KNOWN.size() - 1)) {
            JsonNode value = body.get(name);
            arguments.add(value != null && !(value.isNull() && !isNullable(name)));
            arguments.add(value == null || value.isNull() ? null : value(name, value, addresses));
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
            case "filter", "retry_schedule", "rate_limit", "ordering_key", "trusted_ca" -> true;
            default -> false;
        };
    }

    private static Object value(String name, JsonNode value, AddressPolicy addresses) {
        return switch (name) {
            case "url" -> canonical(text(name, value), addresses);
            case "event_types", "signature_schemes" -> texts(name, value);
            case "trusted_ca" -> authorities(text(name, value));
            case "retry_schedule" -> seconds(value);
            case "max_in_flight", "timeout_seconds", "max_attempts", "rate_limit" -> number(name, value);
            default -> text(name, value);
        };
    }

    private static String text(String name, JsonNode value) {
        if (!value.isString()) {
            throw Problem.invalid("/" + name, name + " must be a text");
        }
        return value.stringValue();
    }

    private static Integer number(String name, JsonNode value) {
        if (!value.isInt()) {
            throw Problem.invalid("/" + name, name + " must be a whole number");
        }
        return value.intValue();
    }

    private static String authorities(String pem) {
        try {
            TrustedAuthorities.checkEndpoint(pem);
            return pem.strip();
        } catch (InvalidCredentialException e) {
            throw Problem.invalid(e.pointer(), e.sentence());
        }
    }

    private static List<String> texts(String name, JsonNode value) {
        List<String> texts = new ArrayList<>();
        if (value.isArray()) {
            for (JsonNode item : value) {
                if (item.isString()) {
                    texts.add(item.stringValue());
                }
            }
        }
        if (texts.isEmpty() || texts.size() != value.size()) {
            throw Problem.invalid(
                    "/" + name,
                    name + " must be a list of texts, such as "
                            + (name.equals("event_types") ? "[\"payment.*\"]" : "[\"v1\"]"));
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

    /** The canonical form of the URL, which must be there. */
    static String url(JsonNode body, AddressPolicy addresses) {
        return canonical(ApiRequest.requiredText(body, "url"), addresses);
    }

    /** Judged for what it is; what its name leads to is judged at each attempt. */
    private static String canonical(String url, AddressPolicy addresses) {
        try {
            return addresses.accept(url).toString();
        } catch (TargetRefusedException e) {
            throw Problem.invalid("/url", "url is refused, class " + e.reason().label() + ": " + e.sentence());
        }
    }
}
