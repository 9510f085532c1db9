package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.SleepProtocol;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.upkeep.Heartbeat;
import dev.posthorn.delivery.upkeep.HeldDeliveries;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;

/** Claims whenever there are free slots and something is due, and sends each delivery on a virtual thread of its own. */
final class DispatchLoop {
    private static final int LARGEST_CLAIM = 500;
    /** A commit that did not see us asleep becomes visible within moments. */
    private static final List<Duration> LOOKS = List.of(Duration.ZERO, Duration.ofMillis(5), Duration.ofMillis(20));

    private static final Duration AFTER_UNSENT = Duration.ofSeconds(1);

    private final Flow flow;
    private final Heartbeat heartbeat;
    private final HeldDeliveries held;
    private final SleepProtocol sleep;
    private final ExecutorService threads;
    private final Consumer<AttemptOutcome> outcomes;
    private final int slots;
    private final Duration poll;
    private final Signal wake = new Signal();
    private volatile boolean unsent;
    private boolean asleep;

    DispatchLoop(
            Flow flow,
            Heartbeat heartbeat,
            HeldDeliveries held,
            SleepProtocol sleep,
            ExecutorService threads,
            Consumer<AttemptOutcome> outcomes,
            int slots,
            Duration poll) {
        this.flow = flow;
        this.heartbeat = heartbeat;
        this.held = held;
        this.sleep = sleep;
        this.threads = threads;
        this.outcomes = outcomes;
        this.slots = slots;
        this.poll = poll;
    }

    /** Says that there may be something to do, or a free slot. */
    void wake() {
        wake.give();
    }

    void step() throws SQLException, InterruptedException {
        if (!heartbeat.isFresh() || held.size() >= slots) {
            wake.await(Duration.ofMillis(100));
            return;
        }
        if (unsent) {
            // What is wrong on our own side will not be better at once.
            unsent = false;
            wake.await(AFTER_UNSENT);
        }
        if (claimAndSend() > 0) {
            return;
        }
        if (!asleep) {
            sleep.setAsleep(heartbeat.dispatcher(), true);
            asleep = true;
        }
        for (Duration look : LOOKS) {
            if (wake.await(look) || claimAndSend() > 0) {
                return;
            }
        }
        wake.await(sleep.untilNextDue(poll));
    }

    private int claimAndSend() throws SQLException {
        List<ClaimedDelivery> claimed = flow.claim(Math.min(slots - held.size(), LARGEST_CLAIM));
        if (!claimed.isEmpty() && asleep) {
            sleep.setAsleep(heartbeat.dispatcher(), false);
            asleep = false;
        }
        for (ClaimedDelivery delivery : claimed) {
            threads.execute(() -> {
                AttemptOutcome outcome = flow.attempt(delivery);
                if (outcome instanceof AttemptOutcome.Unsent) {
                    unsent = true;
                }
                outcomes.accept(outcome);
            });
        }
        return claimed.size();
    }
}
