package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.background.Signal;
import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.upkeep.Heartbeat;
import dev.posthorn.delivery.upkeep.KeyWatch;
import dev.posthorn.delivery.upkeep.Upkeep;
import java.sql.SQLException;
import java.time.Duration;

/** Does the chores at their intervals. */
final class UpkeepLoop {
    private static final Duration TICK = Duration.ofMillis(500);

    private final Upkeep upkeep;
    private final Heartbeat heartbeat;
    private final HeldDeliveries held;
    private final KeyWatch keys;
    private final Runnable wakeDispatcher;
    private final Signal wake = new Signal();
    private final Interval rescues = new Interval(Duration.ofMillis(500));
    private final Interval backlogs = new Interval(Duration.ofSeconds(1));
    private final Interval looks = new Interval(Duration.ofSeconds(5));
    private final Interval unheld = new Interval(Duration.ofSeconds(5));
    private volatile boolean unheldNow;
    private final Interval maintenance = new Interval(Duration.ofMinutes(1));

    private static final class Interval {
        private final long nanos;
        private long last;
        private boolean never = true;

        Interval(Duration duration) {
            this.nanos = duration.toNanos();
        }

        boolean isOver() {
            long now = System.nanoTime();
            if (never || now - last >= nanos) {
                never = false;
                last = now;
                return true;
            }
            return false;
        }
    }

    UpkeepLoop(Upkeep upkeep, Heartbeat heartbeat, HeldDeliveries held, KeyWatch keys, Runnable wakeDispatcher) {
        this.upkeep = upkeep;
        this.heartbeat = heartbeat;
        this.held = held;
        this.keys = keys;
        this.wakeDispatcher = wakeDispatcher;
    }

    /** Says that an endpoint without a secret may be there. */
    void wake() {
        wake.give();
    }

    /** Says that the database was away: what it no longer knows of is to be set right at once. */
    void reconcile() {
        unheldNow = true;
        wake.give();
    }

    void step() throws SQLException, InterruptedException {
        wake.await(TICK);
        if (!heartbeat.isFresh()) {
            return;
        }
        // First, so that no trouble with anything else delays it. Whether somebody is lost is told by the database.
        boolean found = rescues.isOver() && upkeep.rescueLostLeases() > 0;
        found |= looks.isOver() && keys.look();
        if (keys.problem().isEmpty()) {
            found |= upkeep.ensureSecrets() > 0;
        }
        if (unheldNow || unheld.isOver()) {
            unheldNow = false;
            found |= upkeep.returnUnheld(held) > 0;
        }
        if (backlogs.isOver()) {
            found |= upkeep.settleBacklogs() > 0;
            found |= upkeep.advanceRedeliveries() > 0;
        }
        if (maintenance.isOver()) {
            upkeep.maintain();
        }
        if (found) {
            wakeDispatcher.run();
        }
    }
}
