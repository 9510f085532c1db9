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
import dev.posthorn.delivery.sign.SignedRequest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Requests that tests send without database and engine. */
final class Sending {
    static final AddressPolicy LOOPBACK = AddressPolicy.allowing(List.of("127.0.0.0/8"));
    /** Every name leads to this machine. */
    static final HostResolver HERE =
            name -> List.of(IpAddress.parse("127.0.0.1").orElseThrow());

    static final EndpointProfile PLAIN = profile(null, null, SecretMask.NONE);

    private Sending() {}

    static EndpointProfile profile(@Nullable ClientCredentials grant, @Nullable TlsIdentity tls, SecretMask mask) {
        return new EndpointProfile(List.of(), List.of(), Set.of(), "posthorn-signature", Map.of(), grant, tls, mask);
    }

    static SignedRequest request(String url, EndpointProfile profile) {
        return request(url, profile, 30);
    }

    static SignedRequest request(String url, EndpointProfile profile, int seconds) {
        UUID id = new UUID(0, 1);
        ClaimedDelivery delivery = new ClaimedDelivery(
                id, new Lease(id, 1), id, id, id, id, "a", 1, Instant.EPOCH, 0, url, "raw", new byte[0], 1, seconds);
        return new SignedRequest(delivery, profile, Map.of("webhook-id", "1"), new byte[] {'{', '}'});
    }

    static String send(RequestSender sender, String url, EndpointProfile profile) throws InterruptedException {
        return say(sender.send(request(url, profile)));
    }

    static String say(AttemptOutcome outcome) {
        return switch (outcome) {
            case AttemptOutcome.Unanswered failed -> failed.errorClass() + ": " + failed.error();
            case AttemptOutcome.Answered answered -> "answered " + answered.statusCode();
            case AttemptOutcome.Unsent unsent -> "unsent " + unsent.reason();
        };
    }
}
