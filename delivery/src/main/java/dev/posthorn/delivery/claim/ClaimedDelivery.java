package dev.posthorn.delivery.claim;

import java.time.Instant;
import java.util.UUID;

/**
 * A delivery that this node, and no other, may send now.
 *
 * @param lane the lane it was taken from, in which its end makes room
 * @param attempt number of the attempt, from 1
 * @param claimedAt database time of the claim
 * @param claimedNanos {@link System#nanoTime()} when the claim came back, to tell how long ago that was
 * @param payloadFormat {@code standard}, {@code raw} or {@code cloudevents}
 * @param body the exact bytes to send, the same at each attempt; not to be changed
 * @param secretVersion newest version of the endpoint's signing secret
 * @param timeoutSeconds deadline of the whole attempt
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; a copy of each body would be the largest allocation of all.
public record ClaimedDelivery(
        UUID id,
        Lease lease,
        UUID eventId,
        UUID communityId,
        UUID endpointId,
        UUID lane,
        String eventType,
        int attempt,
        Instant claimedAt,
        long claimedNanos,
        String url,
        String payloadFormat,
        byte[] body,
        int secretVersion,
        int timeoutSeconds) {}
