package dev.posthorn.benchmarks.load;

import java.time.Instant;
import java.util.concurrent.locks.LockSupport;

/** The clock that all processes of this machine share. */
public final class WallClock {
    private WallClock() {}

    /** Nanoseconds since 1970. */
    public static long epochNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    /** Waits for a moment; returns at once when it has passed. */
    public static void sleepUntil(long epochNanos) {
        for (long left = epochNanos - epochNanos(); left > 0; left = epochNanos - epochNanos()) {
            LockSupport.parkNanos(left);
        }
    }
}
