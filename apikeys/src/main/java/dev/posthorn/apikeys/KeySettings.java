package dev.posthorn.apikeys;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What may be set of a key, for {@link ApiKeys#create} and {@link ApiKeys#change}. Immutable: each method returns a copy. The database
 * judges the values and refuses those that make no sense with SQLSTATE {@code PH008}, naming the field.
 */
public final class KeySettings {
    /** Each field with its value as JSON. */
    private final Map<String, String> fields;

    private KeySettings(Map<String, String> fields) {
        this.fields = fields;
    }

    /** Nothing yet: for changes. */
    public static KeySettings none() {
        return new KeySettings(Map.of());
    }

    /** A key of this name: 1 to 255 characters, for people. */
    public static KeySettings named(String name) {
        return none().with("name", quoted(name));
    }

    /** What it may do: {@code resource:action}, {@code resource:*}, {@code *:action} or {@code *}. */
    public KeySettings scopes(List<String> scopes) {
        return with("scopes", quoted(scopes));
    }

    /** Whom it is given to, in the product's own words. */
    public KeySettings owner(String owner) {
        return with("owner", quoted(owner));
    }

    /** When it ends by itself. */
    public KeySettings expiresAt(Instant at) {
        return with("expires_at", quoted(at.toString()));
    }

    /** From where it may be used: addresses and networks such as {@code 192.0.2.0/24}. */
    public KeySettings allowedNetworks(List<String> networks) {
        return with("allowed_networks", quoted(networks));
    }

    /** Its rate limits by name; {@link RateLimit#DEFAULT} is the one that is drawn from when none is named. */
    public KeySettings rateLimits(Map<String, RateLimit> limits) {
        return with(
                "rate_limits",
                limits.entrySet().stream()
                        .map(limit -> quoted(limit.getKey()) + ":{\"limit\":"
                                + limit.getValue().max() + ",\"period_seconds\":"
                                + limit.getValue().periodSeconds() + "}")
                        .collect(Collectors.joining(",", "{", "}")));
    }

    /** How many calls it has, never refilled. */
    public KeySettings credits(long remaining) {
        return with("credits", "{\"remaining\":" + remaining + "}");
    }

    /**
     * How many calls it has, and to how many it is set whenever a day or month begins in UTC.
     *
     * @param every {@code day} or {@code month}
     */
    public KeySettings credits(long remaining, long refill, String every) {
        return with(
                "credits",
                "{\"remaining\":" + remaining + ",\"refill\":{\"amount\":" + refill + ",\"every\":" + quoted(every)
                        + "}}");
    }

    /** Free data of the product: the text of a JSON object, at most 8 KB. */
    public KeySettings metadata(String json) {
        return with("metadata", json);
    }

    private KeySettings with(String field, String json) {
        Map<String, String> copy = new LinkedHashMap<>(fields);
        copy.put(field, json);
        return new KeySettings(copy);
    }

    /** The JSON object that the functions in the database take. */
    public String json() {
        return fields.entrySet().stream()
                .map(field -> quoted(field.getKey()) + ":" + field.getValue())
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static String quoted(List<String> texts) {
        List<String> quoted = new ArrayList<>();
        texts.forEach(text -> quoted.add(quoted(text)));
        return "[" + String.join(",", quoted) + "]";
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            if (character < ' ' || character == '"' || character == '\\') {
                quoted.append(String.format("\\u%04x", (int) character));
            } else {
                quoted.append(character);
            }
        }
        return quoted.append('"').toString();
    }
}
