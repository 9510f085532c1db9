package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.background.Signal;
import dev.posthorn.delivery.claim.LaneSweeper;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Looks everywhere for what may be claimed, now and then and when told that something has come back. */
final class SweepLoop {
    private static final Duration IN_VAIN = Duration.ofMillis(100);

    private final LaneSweeper sweeper;
    private final BooleanSupplier mayClaim;
    private final Runnable found;
    private final Signal wake;
    /** Kept from round to round until it was done. */
    private boolean asked;

    /**
     * @param wake says that something has come back into the queue, where one does not look for what is new; or that the loop is to end
     * @param mayClaim whether this node may claim anything
     * @param found hears that there is something to claim
     */
    SweepLoop(LaneSweeper sweeper, Signal wake, BooleanSupplier mayClaim, Runnable found) {
        this.sweeper = sweeper;
        this.wake = wake;
        this.mayClaim = mayClaim;
        this.found = found;
    }

    void step() throws SQLException, InterruptedException {
        if (!asked) {
            asked = wake.await(Duration.ofNanos(sweeper.nanosUntilSweep()));
        }
        if (!mayClaim.getAsBoolean()) {
            wake.await(IN_VAIN);
            asked = true;
            return;
        }
        if (sweeper.sweep()) {
            found.run();
        }
        asked = false;
    }
}
