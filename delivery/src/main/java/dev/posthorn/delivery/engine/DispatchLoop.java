package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.SleepProtocol;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.upkeep.Heartbeat;
import dev.posthorn.delivery.upkeep.HeldDeliveries;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

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
    /** As whom this node said that it sleeps; after a pause of the database it may be somebody new. */
    private @Nullable UUID asleep;

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
        UUID dispatcher = heartbeat.dispatcher();
        if (!dispatcher.equals(asleep)) {
            sleep.setAsleep(dispatcher, true);
            asleep = dispatcher;
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
        UUID sleeper = asleep;
        if (!claimed.isEmpty() && sleeper != null) {
            sleep.setAsleep(sleeper, false);
            asleep = null;
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
