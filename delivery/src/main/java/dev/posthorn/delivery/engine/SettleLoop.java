package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.send.AttemptOutcome;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Records outcomes: whatever has gathered while the last batch was being recorded is the next batch. */
final class SettleLoop {
    private static final int LARGEST_BATCH = 500;

    private final Flow flow;
    private final Runnable settled;
    private final BlockingQueue<AttemptOutcome> outcomes = new LinkedBlockingQueue<>();
    /** Kept from round to round until it is recorded. */
    private final List<AttemptOutcome> batch = new ArrayList<>();

    SettleLoop(Flow flow, Runnable settled) {
        this.flow = flow;
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
            outcomes.drainTo(batch, LARGEST_BATCH - 1);
        }
        flow.settle(batch);
        batch.clear();
        settled.run();
    }
}
