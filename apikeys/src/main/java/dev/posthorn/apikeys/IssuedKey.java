package dev.posthorn.apikeys;

import java.util.UUID;

/**
 * A key that was just made or rotated.
 *
 * @param id its id, which stays the same when it is rotated
 * @param key the key in full; this is the only time that it exists
 */
public record IssuedKey(UUID id, ApiKey key) {}
