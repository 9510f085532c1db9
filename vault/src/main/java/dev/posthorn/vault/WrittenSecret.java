package dev.posthorn.vault;

import java.util.UUID;

/**
 * What became of a write.
 *
 * @param id the secret
 * @param version the version that holds the value
 * @param repeated whether an earlier call with the same idempotency key had written it
 */
public record WrittenSecret(UUID id, int version, boolean repeated) {}
