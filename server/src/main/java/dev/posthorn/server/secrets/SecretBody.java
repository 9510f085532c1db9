package dev.posthorn.server.secrets;

import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.SecretChange;
import dev.posthorn.vault.Vault;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** The body of a request that may hold a secret: nothing that was sent is repeated in an error, not even a field's unknown name. */
final class SecretBody {
    private static final int MOST_FIELDS = 100;
    private static final int LONGEST_FIELD_NAME = 200;

    private final JsonNode body;

    private SecretBody(JsonNode body) {
        this.body = body;
    }

    static SecretBody read(ApiRequest request, List<String> known) {
        JsonNode body;
        try {
            body = ApiRequest.JSON.readTree(request.http().body());
        } catch (JacksonException e) {
            throw Problem.malformed("the body is no JSON; it is not shown, since it may hold a secret");
        }
        if (body == null || !body.isObject()) {
            throw Problem.malformed("the body must be a JSON object");
        }
        if (!known.containsAll(body.propertyNames())) {
            throw Problem.invalid("", "a field is unknown; known are " + String.join(", ", known));
        }
        return new SecretBody(body);
    }

    boolean has(String name) {
        return body.has(name);
    }

    @Nullable
    String text(String name) {
        return ApiRequest.text(body, name);
    }

    String requiredText(String name) {
        return ApiRequest.requiredText(body, name);
    }

    Duration overlap(int usual, int most) {
        return Duration.ofSeconds(ApiRequest.number(body, "overlap_seconds", usual, 0, most));
    }

    /** The value: a text as it is, an object of texts as compact JSON. */
    byte[] value() {
        JsonNode value = body.get("value");
        if (value == null || !(value.isString() || value.isObject())) {
            throw Problem.invalid("/value", "value must be a text, or an object whose members are texts");
        }
        byte[] bytes;
        if (value.isString()) {
            bytes = value.stringValue().getBytes(StandardCharsets.UTF_8);
        } else {
            checkFields(value);
            bytes = ApiRequest.JSON.writeValueAsBytes(value);
        }
        if (bytes.length > Vault.LARGEST_VALUE) {
            throw Problem.tooLarge(
                    "value has " + bytes.length + " bytes; at most " + Vault.LARGEST_VALUE + " are kept");
        }
        return bytes;
    }

    private static void checkFields(JsonNode value) {
        if (value.isEmpty() || value.size() > MOST_FIELDS) {
            throw Problem.invalid("/value", "value must have 1 to " + MOST_FIELDS + " members");
        }
        for (String name : value.propertyNames()) {
            if (name.isEmpty() || name.length() > LONGEST_FIELD_NAME || name.indexOf('\0') >= 0) {
                throw Problem.invalid(
                        "/value", "the names of value's members must have 1 to " + LONGEST_FIELD_NAME + " characters");
            }
            if (!value.get(name).isString()) {
                throw Problem.invalid("/value", "every member of value must be a text; one is not");
            }
        }
    }

    /** The names of a structured value's fields; null if it is one text. */
    @Nullable
    List<String> fields() {
        JsonNode value = body.get("value");
        return value == null || !value.isObject() ? null : new ArrayList<>(value.propertyNames());
    }

    @Nullable
    Instant expiresAt() {
        String text = text("expires_at");
        if (text == null) {
            return null;
        }
        Instant at;
        try {
            at = OffsetDateTime.parse(text).toInstant();
        } catch (DateTimeParseException e) {
            throw Problem.invalid("/expires_at", "expires_at must be a time such as 2030-01-31T12:00:00Z, or null");
        }
        if (at.isBefore(Instant.now())) {
            throw Problem.invalid("/expires_at", "expires_at must be in the future; to end a secret now, delete it");
        }
        return at;
    }

    SecretChange change(Duration overlap) {
        return new SecretChange(text("description"), fields(), has("expires_at"), expiresAt(), overlap);
    }
}
