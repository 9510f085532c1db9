package dev.posthorn.vault;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Which value a store is asked for.
 *
 * @param community the community that the secret belongs to
 * @param secret the secret's id
 * @param reference what the store itself calls the value; null where Posthorn keeps it, under community and secret
 */
public record SecretAddress(
        UUID community, UUID secret, @Nullable String reference) {}
