package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.sign.SignedRequest;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;

/** Requests as the engine makes them, sent to loopback. */
final class Sending {
    static final AddressPolicy LOOPBACK =
            AddressPolicy.builder().allow("127.0.0.0/8").build();

    private Sending() {}

    static RequestSender sender() {
        return new RequestSender(
                LOOPBACK,
                name -> Arrays.stream(InetAddress.getAllByName(name))
                        .map(IpAddress::of)
                        .toList(),
                new OwnSide(null));
    }

    static SignedRequest request(String url, int seconds) {
        return request(url, seconds, "1", new byte[] {'{', '}'}, 1);
    }

    static SignedRequest request(String url, int seconds, String webhookId, byte[] body, int community) {
        UUID id = UUID.randomUUID();
        ClaimedDelivery delivery = new ClaimedDelivery(
                id,
                new Lease(id, 1),
                id,
                new UUID(0, community),
                id,
                id,
                "a",
                1,
                Instant.EPOCH,
                0,
                url,
                "raw",
                body,
                1,
                seconds);
        return new SignedRequest(delivery, Map.of("webhook-id", webhookId), body);
    }

    /** {@code answered 200}, or class and sentence of what went wrong. */
    static String told(AttemptOutcome outcome) {
        return switch (outcome) {
            case AttemptOutcome.Unanswered failed -> failed.errorClass() + ": " + failed.error();
            case AttemptOutcome.Answered answered -> "answered " + answered.statusCode();
            case AttemptOutcome.Unsent unsent -> "unsent " + unsent.reason();
        };
    }
}
