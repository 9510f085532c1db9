package dev.posthorn.integrations.run;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A run that this node carries out.
 *
 * @param lease proves that it is still this node's
 * @param config JSON text
 * @param vaultSecretId where the credentials are; null if it has none
 * @param cursor JSON text; null: from the beginning
 * @param attempt the first is 1
 * @param takenOver whether another node fell silent while it ran it
 */
public record ClaimedRun(
        UUID runId,
        UUID lease,
        UUID integrationId,
        UUID communityId,
        String connector,
        String config,
        @Nullable UUID vaultSecretId,
        @Nullable String cursor,
        int attempt,
        boolean takenOver) {}
