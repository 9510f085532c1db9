package dev.posthorn.vault;

import dev.posthorn.signing.WebhookPrivateKey;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A version of an endpoint's key pair, with which {@code v1a} signatures are made.
 *
 * @param key the private key; its {@code verifyingKey()} is what receivers need
 * @param version greater at each rotation
 * @param expiresAt until when it is used beside newer ones, by the database's clock; null for the newest
 */
public record EndpointKeyPair(
        WebhookPrivateKey key, int version, @Nullable Instant expiresAt) {}
