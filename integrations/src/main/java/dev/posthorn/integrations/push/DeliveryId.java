package dev.posthorn.integrations.push;

import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.mapping.JsonPlace;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * Where a delivery's id is.
 *
 * @param header that holds it
 * @param at place in the document that holds it
 */
record DeliveryId(Optional<String> header, Optional<JsonPlace> at) {
    private static final int LONGEST = 512;

    static DeliveryId of(JsonNode configuration) {
        JsonNode id = configuration.path("delivery_id");
        return new DeliveryId(
                id.has("header") ? Optional.of(id.path("header").asString()) : Optional.empty(),
                id.has("at") ? Optional.of(JsonPlace.of(id.path("at").asString())) : Optional.empty());
    }

    /**
     * The id.
     *
     * @param proven what the verification says it is, for configurations that name no place
     * @throws IllegalArgumentException if it is not where it should be
     */
    String in(PushRequest request, JsonNode document, String proven) {
        if (header.isEmpty() && at.isEmpty()) {
            return proven;
        }
        String id;
        String where;
        if (header.isPresent()) {
            where = "the header " + header.get();
            id = request.header(header.get()).orElse("");
        } else {
            JsonNode value = at.orElseThrow().in(document);
            where = "the field " + at.orElseThrow();
            id = value.isString() || value.isIntegralNumber() ? value.asString() : "";
        }
        if (id.isEmpty()
                || id.length() > LONGEST
                || id.chars().anyMatch(c -> c < ' ' || c == 0x7f || Character.isSurrogate((char) c))) {
            throw new IllegalArgumentException(
                    "the delivery's id must be in " + where + ", 1 to " + LONGEST + " characters");
        }
        return id;
    }
}
