package dev.posthorn.delivery.claim;

import java.time.Instant;
import java.util.UUID;

/**
 * A delivery that this node, and no other, may send now.
 *
 * @param attempt number of the attempt, from 1
 * @param claimedAt database time of the claim
 * @param claimedNanos {@link System#nanoTime()} when the claim came back, to tell how long ago that was
 * @param payloadFormat {@code standard}, {@code raw} or {@code cloudevents}
 * @param body the exact text to send, the same at each attempt
 * @param secretVersion newest version of the endpoint's signing secret
 * @param timeoutSeconds deadline of the whole attempt
 */
public record ClaimedDelivery(
        UUID id,
        Lease lease,
        UUID eventId,
        UUID communityId,
        UUID endpointId,
        String eventType,
        int attempt,
        Instant claimedAt,
        long claimedNanos,
        String url,
        String payloadFormat,
        String body,
        int secretVersion,
        int timeoutSeconds) {}
