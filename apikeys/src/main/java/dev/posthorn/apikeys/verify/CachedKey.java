package dev.posthorn.apikeys.verify;

import dev.posthorn.apikeys.verify.VerifiedKey.Reason;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A key as the database showed it.
 *
 * @param state why it is refused whatever is asked: {@code REVOKED} or {@code DISABLED}; null if it is not
 * @param readAt the database's time then
 * @param readAtNanos the monotonic time then
 */
record CachedKey(StoredKey key, @Nullable Reason state, Instant readAt, long readAtNanos) {
    /** The database's time now. */
    Instant now() {
        return readAt.plusNanos(System.nanoTime() - readAtNanos);
    }
}
