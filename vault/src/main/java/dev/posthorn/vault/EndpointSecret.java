package dev.posthorn.vault;

import dev.posthorn.signing.WebhookSecret;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A version of an endpoint's signing secret.
 *
 * @param version counts up at each rotation
 * @param expiresAt until when it is used beside newer ones, by the database's clock; null for the newest
 */
public record EndpointSecret(
        WebhookSecret secret, int version, @Nullable Instant expiresAt) {}
