package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.settle.OutcomeRecorder;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Records outcomes: what has gathered while the last batch was being recorded, and a moment longer while more is to be expected.
 *
 * <p>A result changes the health of its endpoint, which somebody may have locked for long: whoever has disabled it in a transaction that is
 * still open. Nobody else's results wait for that. Those of such an endpoint are kept, in their order, until its row is free.
 */
final class SettleLoop {
    private static final int LARGEST_BATCH = 500;
    private static final int GOOD_BATCH = 250;
    private static final long LONGEST_GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    /** Other nodes record results of the same endpoints, and are soon done with it. */
    private static final Duration PATIENCE = Duration.ofMillis(300);

    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Flow flow;
    private final HeldDeliveries held;
    private final Consumer<List<UUID>> settled;
    private final BlockingQueue<AttemptOutcome> outcomes;
    private final AtomicInteger waiting;
    /** Kept from round to round until it is recorded. */
    private final List<AttemptOutcome> batch = new ArrayList<>();
    /** What waits for a row that is locked, by endpoint. */
    private final Map<UUID, List<AttemptOutcome>> lockedOut = new LinkedHashMap<>();

    private long retryAtNanos;

    /**
     * @param outcomes to be recorded
     * @param waiting is kept at how many outcomes wait for an endpoint that somebody has locked
     * @param settled hears, for each delivery that was recorded, of the lane that it was taken from
     */
    SettleLoop(
            Flow flow,
            HeldDeliveries held,
            BlockingQueue<AttemptOutcome> outcomes,
            AtomicInteger waiting,
            Consumer<List<UUID>> settled) {
        this.flow = flow;
        this.held = held;
        this.outcomes = outcomes;
        this.waiting = waiting;
        this.settled = settled;
    }

    void step() throws SQLException, InterruptedException {
        if (!lockedOut.isEmpty() && System.nanoTime() - retryAtNanos >= 0) {
            settleLockedOut();
        }
        if (batch.isEmpty()) {
            AttemptOutcome first = outcomes.poll(100, TimeUnit.MILLISECONDS);
            if (first == null) {
                return;
            }
            batch.add(first);
            gather();
        }
        batch.removeIf(outcome -> lockedOut.containsKey(outcome.delivery().endpointId()) && keep(outcome));
        if (!batch.isEmpty() && !settle(batch)) {
            batch.forEach(this::keep);
            // Before what may fail: each outcome is kept in one place.
            batch.clear();
            settleLockedOut();
        }
        batch.clear();
    }

    private boolean keep(AttemptOutcome outcome) {
        lockedOut
                .computeIfAbsent(outcome.delivery().endpointId(), endpoint -> new ArrayList<>())
                .add(outcome);
        waiting.incrementAndGet();
        return true;
    }

    /** Records what can be, as one batch. */
    private void settleLockedOut() throws SQLException {
        retryAtNanos = System.nanoTime() + RETRY_NANOS;
        Set<UUID> free = flow.unlocked(lockedOut.keySet());
        List<AttemptOutcome> some = new ArrayList<>();
        free.forEach(endpoint -> some.addAll(lockedOut.getOrDefault(endpoint, List.of())));
        if (!some.isEmpty() && settle(some)) {
            lockedOut.keySet().removeAll(free);
            waiting.addAndGet(-some.size());
        }
    }

    /** Returns false, and has recorded nothing, where somebody has had something locked for too long. */
    private boolean settle(List<AttemptOutcome> some) throws SQLException {
        List<UUID> lanes =
                some.stream().map(outcome -> outcome.delivery().lane()).toList();
        try {
            flow.settle(some, PATIENCE);
        } catch (SQLException e) {
            if (OutcomeRecorder.isLocked(e)) {
                return false;
            }
            throw e;
        }
        settled.accept(lanes);
        return true;
    }

    /** A batch of 250 costs the database hardly more than one of 10; nobody waits for it but free slots. */
    private void gather() throws InterruptedException {
        long end = System.nanoTime() + LONGEST_GATHERING_NANOS;
        outcomes.drainTo(batch, LARGEST_BATCH - batch.size());
        while (batch.size() < GOOD_BATCH && held.size() - waiting.get() > batch.size()) {
            AttemptOutcome next = outcomes.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (next == null) {
                return;
            }
            batch.add(next);
            outcomes.drainTo(batch, LARGEST_BATCH - batch.size());
        }
    }
}
