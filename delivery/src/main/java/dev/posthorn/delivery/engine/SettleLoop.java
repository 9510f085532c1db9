package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.send.AttemptOutcome;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Records outcomes: what has gathered while the last batch was being recorded, and a moment longer while more is to be expected. */
final class SettleLoop {
    private static final int LARGEST_BATCH = 500;
    private static final int GOOD_BATCH = 250;
    private static final long LONGEST_GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Flow flow;
    private final HeldDeliveries held;
    private final Consumer<List<UUID>> settled;
    private final BlockingQueue<AttemptOutcome> outcomes;
    /** Kept from round to round until it is recorded. */
    private final List<AttemptOutcome> batch = new ArrayList<>();

    /**
     * @param outcomes to be recorded
     * @param settled hears, for each delivery that was recorded, of the lane that it was taken from
     */
    SettleLoop(Flow flow, HeldDeliveries held, BlockingQueue<AttemptOutcome> outcomes, Consumer<List<UUID>> settled) {
        this.flow = flow;
        this.held = held;
        this.outcomes = outcomes;
        this.settled = settled;
    }

    void step() throws SQLException, InterruptedException {
        if (batch.isEmpty()) {
            AttemptOutcome first = outcomes.poll(100, TimeUnit.MILLISECONDS);
            if (first == null) {
                return;
            }
            batch.add(first);
            gather();
        }
        List<UUID> lanes =
                batch.stream().map(outcome -> outcome.delivery().lane()).toList();
        flow.settle(batch);
        batch.clear();
        settled.accept(lanes);
    }

    /** A batch of 250 costs the database hardly more than one of 10; nobody waits for it but free slots. */
    private void gather() throws InterruptedException {
        long end = System.nanoTime() + LONGEST_GATHERING_NANOS;
        outcomes.drainTo(batch, LARGEST_BATCH - batch.size());
        while (batch.size() < GOOD_BATCH && held.size() > batch.size()) {
            AttemptOutcome next = outcomes.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (next == null) {
                return;
            }
            batch.add(next);
            outcomes.drainTo(batch, LARGEST_BATCH - batch.size());
        }
    }
}
