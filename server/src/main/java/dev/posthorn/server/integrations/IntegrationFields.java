package dev.posthorn.server.integrations;

import dev.posthorn.integrations.Connectors;
import dev.posthorn.integrations.Connectors.Misfit;
import dev.posthorn.integrations.schedule.Schedule;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What may be set of an integration, as the statements take it: for each field whether it was given, and its value. */
final class IntegrationFields {
    /** In the order of the statements; the connector is fixed at creation. */
    private static final List<String> SETTABLE = List.of(
            "name",
            "config",
            "vault_secret_id",
            "interval_seconds",
            "cron",
            "time_zone",
            "stale_after_seconds",
            "max_deletions_percent",
            "record_events");

    static final List<String> TO_CREATE = with("connector", "credentials");
    static final List<String> TO_CHANGE = SETTABLE;

    private IntegrationFields() {}

    private static List<String> with(String... more) {
        List<String> all = new ArrayList<>(SETTABLE);
        all.addAll(List.of(more));
        return List.copyOf(all);
    }

    /** Two arguments per settable field: whether given, and the value as text. */
    static List<@Nullable Object> arguments(JsonNode body) {
        List<@Nullable Object> arguments = new ArrayList<>();
        for (String name : SETTABLE) {
            JsonNode value = body.get(name);
            arguments.add(value != null && !(value.isNull() && !isNullable(name)));
            arguments.add(value == null || value.isNull() ? null : value(name, value));
        }
        return arguments;
    }

    /**
     * Checks a configuration against its connector.
     *
     * @throws Problem naming the place that does not fit
     */
    static void checkConfiguration(Connectors connectors, String connector, JsonNode config) {
        List<Misfit> misfits;
        try {
            misfits = connectors.judgeConfiguration(connector, config);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("/connector", String.valueOf(e.getMessage()));
        }
        if (!misfits.isEmpty()) {
            throw Problem.invalid(
                    "/config" + misfits.get(0).pointer(), misfits.get(0).detail());
        }
    }

    /**
     * The credentials that are given with a new integration; empty if there are none.
     *
     * @throws Problem naming the place that does not fit
     */
    static Optional<JsonNode> credentials(Connectors connectors, String connector, JsonNode body) {
        JsonNode credentials = body.path("credentials");
        if (credentials.isMissingNode() || credentials.isNull()) {
            return Optional.empty();
        }
        if (body.hasNonNull("vault_secret_id")) {
            throw Problem.invalid("/credentials", "give either credentials or vault_secret_id, not both");
        }
        checkCredentials(connectors, connector, "/credentials", credentials);
        return Optional.of(credentials);
    }

    /**
     * Checks credentials against their connector.
     *
     * @param at where they stand in the body
     * @throws Problem naming the place that does not fit
     */
    static void checkCredentials(Connectors connectors, String connector, String at, JsonNode credentials) {
        List<Misfit> misfits = connectors.judgeCredentials(connector, credentials);
        if (!misfits.isEmpty()) {
            throw Problem.invalid(at + misfits.get(0).pointer(), misfits.get(0).detail());
        }
    }

    /**
     * Checks when it is to be read.
     *
     * @throws Problem naming the field
     */
    static void checkSchedule(@Nullable String cron, String zone) {
        try {
            Schedule.of(null, cron, zone);
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            throw Problem.invalid(message.startsWith("time_zone") ? "/time_zone" : "/cron", message);
        }
    }

    private static boolean isNullable(String name) {
        return switch (name) {
            case "vault_secret_id", "interval_seconds", "cron", "stale_after_seconds" -> true;
            default -> false;
        };
    }

    private static String value(String name, JsonNode value) {
        boolean fits = switch (name) {
            case "config" -> value.isObject();
            case "interval_seconds", "stale_after_seconds", "max_deletions_percent" -> value.isInt();
            case "record_events" -> value.isBoolean();
            default -> value.isString();
        };
        if (!fits) {
            throw Problem.invalid("/" + name, name + " must be " + kind(name));
        }
        if (name.equals("vault_secret_id")) {
            try {
                return java.util.UUID.fromString(value.stringValue()).toString();
            } catch (IllegalArgumentException e) {
                throw Problem.invalid("/" + name, name + " must be the id of a secret");
            }
        }
        return value.isString() ? value.stringValue() : value.toString();
    }

    private static String kind(String name) {
        return switch (name) {
            case "config" -> "an object";
            case "interval_seconds", "stale_after_seconds", "max_deletions_percent" -> "a whole number";
            case "record_events" -> "true or false";
            default -> "a text";
        };
    }

    /** The configuration of a new integration; an empty one if none is given. */
    static JsonNode config(JsonNode body) {
        JsonNode config = body.get("config");
        return config == null ? ApiRequest.JSON.createObjectNode() : config;
    }
}
