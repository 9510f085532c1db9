package dev.posthorn.integrations.run;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An integration as it stands at this moment, for what is no run.
 *
 * @param config JSON text
 * @param secret where the credentials are; null if it has none
 * @param secretVersion which value of them is the newest; null where that cannot be said, as of expired ones
 * @param paused whether nothing is to be taken from the other side
 */
record PresentIntegration(
        UUID id,
        UUID community,
        String connector,
        String config,
        @Nullable UUID secret,
        @Nullable Integer secretVersion,
        boolean paused) {}
