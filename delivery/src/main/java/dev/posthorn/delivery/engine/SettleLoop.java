package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.upkeep.HeldDeliveries;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Records outcomes: what has gathered while the last batch was being recorded, and a moment longer while more is to be expected. */
final class SettleLoop {
    private static final int LARGEST_BATCH = 500;
    private static final int GOOD_BATCH = 250;
    private static final long LONGEST_GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Flow flow;
    private final HeldDeliveries held;
    private final Consumer<Set<UUID>> settled;
    private final BlockingQueue<AttemptOutcome> outcomes = new LinkedBlockingQueue<>();
    /** Kept from round to round until it is recorded. */
    private final List<AttemptOutcome> batch = new ArrayList<>();

    /** @param settled hears of the lanes in which there is room now */
    SettleLoop(Flow flow, HeldDeliveries held, Consumer<Set<UUID>> settled) {
        this.flow = flow;
        this.held = held;
        this.settled = settled;
    }

    void add(AttemptOutcome outcome) {
        outcomes.add(outcome);
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
        Set<UUID> lanes = new HashSet<>();
        for (AttemptOutcome outcome : batch) {
            ClaimedDelivery delivery = outcome.delivery();
            lanes.add(delivery.lane());
        }
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
