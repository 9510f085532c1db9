package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.Lease;
import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.SecretMask;
import dev.posthorn.delivery.endpoint.TlsIdentity;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.sign.SignedRequest;
import java.net.InetAddress;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Requests as the engine makes them, sent to loopback without database and engine. */
final class Sending {
    static final AddressPolicy LOOPBACK =
            AddressPolicy.builder().allow("127.0.0.0/8").build();
    /** Every name leads to this machine. */
    static final HostResolver HERE =
            name -> List.of(IpAddress.parse("127.0.0.1").orElseThrow());

    static final EndpointProfile PLAIN = profile(null, null, SecretMask.NONE);

    private Sending() {}

    static RequestSender sender() {
        return new RequestSender(
                LOOPBACK,
                name -> Arrays.stream(InetAddress.getAllByName(name))
                        .map(IpAddress::of)
                        .toList(),
                new OwnSide(null));
    }

    /** One to which every name is this machine. */
    static RequestSender here(TrustedAuthorities authorities) {
        return new RequestSender(LOOPBACK, HERE, authorities, null, new OwnSide(null));
    }

    static EndpointProfile profile(@Nullable ClientCredentials grant, @Nullable TlsIdentity tls, SecretMask mask) {
        return new EndpointProfile(List.of(), List.of(), Set.of(), "posthorn-signature", Map.of(), grant, tls, mask);
    }

    static SignedRequest request(String url, int seconds) {
        return request(url, seconds, "1", new byte[] {'{', '}'}, 1);
    }

    static SignedRequest request(String url, int seconds, String webhookId, byte[] body, int community) {
        ClaimedDelivery delivery = delivery(url, seconds, body, UUID.randomUUID(), community);
        return new SignedRequest(delivery, PLAIN, Map.of("webhook-id", webhookId), body);
    }

    static SignedRequest request(String url, EndpointProfile profile, int seconds) {
        byte[] body = {'{', '}'};
        return new SignedRequest(
                delivery(url, seconds, body, new UUID(0, 1), 1), profile, Map.of("webhook-id", "1"), body);
    }

    private static ClaimedDelivery delivery(String url, int seconds, byte[] body, UUID id, int community) {
        return new ClaimedDelivery(
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
    }

    static String send(RequestSender sender, String url, EndpointProfile profile) throws InterruptedException {
        return told(sender.send(request(url, profile, 30)));
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
