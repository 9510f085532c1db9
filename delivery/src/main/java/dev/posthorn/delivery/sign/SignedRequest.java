package dev.posthorn.delivery.sign;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import java.util.Map;

/**
 * A request that is ready to be sent. Only {@link RequestSigner} makes one.
 *
 * @param profile as whom it is sent, and what may not be shown of it
 * @param headers all that do not depend on the connection, in the order in which they are sent
 * @param body the exact bytes
 */
public record SignedRequest(
        ClaimedDelivery delivery, EndpointProfile profile, Map<String, String> headers, byte[] body) {}
