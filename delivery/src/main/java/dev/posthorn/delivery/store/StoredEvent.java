package dev.posthorn.delivery.store;

import dev.posthorn.delivery.accept.AcceptedEvent;
import java.util.UUID;

/** What became of an accepted event. */
public sealed interface StoredEvent {
    /** The event this is about. */
    AcceptedEvent event();

    /**
     * It stands in the database and its deliveries are queued.
     *
     * @param deliveries how many endpoints it goes to
     * @param skipped how many subscribed endpoints were passed over because they are disabled
     * @param duplicate whether the idempotency key had been used before, so that nothing new was stored
     */
    record Queued(AcceptedEvent event, UUID eventId, int deliveries, int skipped, boolean duplicate)
            implements StoredEvent {}

    /**
     * It was refused; nothing was stored.
     *
     * @param code SQLSTATE: PH001 unknown community, PH002 event type, PH003 too large, PH004 idempotency key, PH009 argument,
     *     55P03 idempotency key of a transaction that has not ended
     * @param message one sentence
     */
    record Refused(AcceptedEvent event, String code, String message) implements StoredEvent {}
}
