package dev.posthorn.delivery.settle;

import dev.posthorn.delivery.send.AttemptOutcome;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What stands in the database after an attempt.
 *
 * @param outcome what was recorded
 * @param status the delivery's {@code webhook_status} now; {@code dropped} if it is no longer kept
 * @param superseded the lease was no longer held: the result is kept and changed nothing
 * @param nextAttemptAt when it is tried again; null if it ended or is parked
 */
public record SettledDelivery(
        AttemptOutcome outcome,
        String status,
        boolean superseded,
        @Nullable Instant nextAttemptAt) {}
