package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.background.Pace;
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
    private final Pace rescues = new Pace(Duration.ofMillis(500), 1);
    private final Pace backlogs = new Pace(Duration.ofSeconds(1), 1);
    private final Pace looks = new Pace(Duration.ofSeconds(5), 1);
    /** It reads everything that is ready to be claimed; and what it is for happens when the database was away, after which it is done at once. */
    private final Pace unheld = new Pace(Duration.ofSeconds(5), 50);

    private volatile boolean unheldNow;
    private final Pace maintenance = new Pace(Duration.ofMinutes(1), 1);

    private interface Chore {
        int run() throws SQLException;
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
        boolean found = whenTime(rescues, upkeep::rescueLostLeases) > 0;
        found |= whenTime(looks, () -> keys.look() ? 1 : 0) > 0;
        if (keys.problem().isEmpty()) {
            found |= upkeep.ensureSecrets() > 0;
        }
        if (unheldNow) {
            unheldNow = false;
            found |= upkeep.returnUnheld(held) > 0;
        } else {
            found |= whenTime(unheld, () -> upkeep.returnUnheld(held)) > 0;
        }
        found |= whenTime(backlogs, () -> upkeep.settleBacklogs() + upkeep.advanceRedeliveries()) > 0;
        whenTime(maintenance, () -> {
            upkeep.maintain();
            return 0;
        });
        if (found) {
            wakeDispatcher.run();
        }
    }

    private static int whenTime(Pace pace, Chore chore) throws SQLException {
        if (!pace.isOver()) {
            return 0;
        }
        long begun = System.nanoTime();
        try {
            return chore.run();
        } finally {
            pace.done(begun);
        }
    }
}
