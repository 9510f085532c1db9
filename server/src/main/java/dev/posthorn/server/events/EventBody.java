package dev.posthorn.server.events;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.server.rest.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads events from a body without taking the payload apart: it is kept exactly as it came, key order and spelling of numbers included.
 */
final class EventBody {
    private static final JsonFactory JSON = JsonFactory.builder().build();
    private static final int LARGEST_BATCH = 1000;

    private final String body;
    private final UUID community;

    EventBody(UUID community, String body) {
        this.community = community;
        this.body = body;
    }

    /** The one event of a body {@code {"event_type", "payload", "idempotency_key"}}. */
    AcceptedEvent one(@Nullable String idempotencyKey) {
        try (JsonParser parser = JSON.createParser(tools.jackson.core.ObjectReadContext.empty(), body)) {
            parser.nextToken();
            AcceptedEvent event = event(parser, "", idempotencyKey);
            end(parser);
            return event;
        } catch (JacksonException e) {
            throw Problem.malformed("the body is no JSON: " + e.getOriginalMessage());
        }
    }

    /** The events of a body {@code {"events": [...]}}. */
    List<AcceptedEvent> batch() {
        try (JsonParser parser = JSON.createParser(tools.jackson.core.ObjectReadContext.empty(), body)) {
            List<AcceptedEvent> events = new ArrayList<>();
            if (parser.nextToken() != JsonToken.START_OBJECT
                    || parser.nextToken() != JsonToken.PROPERTY_NAME
                    || !parser.currentName().equals("events")
                    || parser.nextToken() != JsonToken.START_ARRAY) {
                throw Problem.malformed("the body must be an object with the one field events, a list");
            }
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                events.add(event(parser, "/events/" + events.size(), null));
                if (events.size() > LARGEST_BATCH) {
                    throw Problem.invalid("/events", "a batch has at most " + LARGEST_BATCH + " events");
                }
            }
            parser.nextToken();
            end(parser);
            return events;
        } catch (JacksonException e) {
            throw Problem.malformed("the body is no JSON: " + e.getOriginalMessage());
        }
    }

    private AcceptedEvent event(JsonParser parser, String pointer, @Nullable String headerKey) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw Problem.malformed("an event must be an object with event_type and payload");
        }
        String type = null;
        String payload = null;
        String key = headerKey;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            JsonToken value = parser.nextToken();
            switch (name) {
                case "event_type" -> type = text(parser, value, pointer + "/event_type");
                case "idempotency_key" -> key = text(parser, value, pointer + "/idempotency_key");
                case "payload" -> payload = exact(parser);
                default ->
                    throw Problem.invalid(
                            pointer + "/" + name, "unknown field; known are event_type, payload, idempotency_key");
            }
        }
        if (type == null) {
            throw Problem.invalid(pointer + "/event_type", "event_type is missing");
        }
        if (payload == null) {
            throw Problem.invalid(pointer + "/payload", "payload is missing");
        }
        try {
            return AcceptedEvent.accept(community, type, payload, key);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(pointer + "/event_type", String.valueOf(e.getMessage()));
        }
    }

    private String exact(JsonParser parser) {
        int begin = Math.toIntExact(parser.currentTokenLocation().getCharOffset());
        parser.skipChildren();
        // A number is only read to its end when somebody asks for it.
        parser.getString();
        return body.substring(begin, Math.toIntExact(parser.currentLocation().getCharOffset()));
    }

    private static String text(JsonParser parser, JsonToken value, String pointer) {
        if (value != JsonToken.VALUE_STRING) {
            throw Problem.invalid(pointer, pointer.substring(pointer.lastIndexOf('/') + 1) + " must be a text");
        }
        return parser.getString();
    }

    private static void end(JsonParser parser) {
        if (parser.nextToken() != null) {
            throw Problem.malformed("something follows the JSON of the body");
        }
    }
}
