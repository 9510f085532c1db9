package dev.posthorn.delivery.accept;

import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An event on its way in. Only {@link #accept} makes one.
 *
 * @param payload JSON text; it is sent on exactly as given
 * @param idempotencyKey null for none; else 1 to 255 characters
 */
public record AcceptedEvent(
        UUID communityId,
        String eventType,
        String payload,
        @Nullable String idempotencyKey) {
    /** The prefixes of operational events, which nobody but Posthorn queues. */
    private static final List<String> RESERVED = List.of("posthorn.", "api_key.", "integration.", "sync.");

    /** What is said of a type that is reserved. */
    public static final String RESERVED_TYPE =
            "types that begin with posthorn., api_key., integration. or sync. are reserved for operational events";

    /** Whether events of a type are queued by Posthorn alone. */
    public static boolean isReserved(String eventType) {
        return RESERVED.stream().anyMatch(eventType::startsWith);
    }

    /**
     * Accepts an event.
     *
     * @param payload well-formed JSON; who accepts from outside has parsed it
     * @throws IllegalArgumentException naming the argument, if the type is reserved or the payload holds a NUL character
     */
    public static AcceptedEvent accept(
            UUID communityId, String eventType, String payload, @Nullable String idempotencyKey) {
        if (isReserved(eventType)) {
            throw new IllegalArgumentException("event_type: " + RESERVED_TYPE);
        }
        if (payload.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("payload: JSON holds no NUL character; write it as \\u0000");
        }
        return new AcceptedEvent(communityId, eventType, payload, idempotencyKey);
    }
}
