package dev.posthorn.delivery.sign;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import java.util.Map;

/**
 * A request that is ready to be sent. Only {@link RequestSigner} makes one.
 *
 * @param headers all that are Posthorn's own, in the order in which they are sent
 * @param body the exact bytes
 */
public record SignedRequest(ClaimedDelivery delivery, Map<String, String> headers, byte[] body) {}
