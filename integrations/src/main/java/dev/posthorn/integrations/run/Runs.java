package dev.posthorn.integrations.run;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The runs of this node: each on a thread of its own, all kept alive by one heartbeat. Thread-safe. */
public final class Runs {
    private static final Logger LOG = LoggerFactory.getLogger(Runs.class);
    private static final Duration TO_RETURN = Duration.ofSeconds(10);

    private final RunStore store;
    private final Contexts contexts;
    private final int most;
    private final Runnable ended;
    private final ConcurrentMap<UUID, SyncRunner> running = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("posthorn-sync-", 0).factory());

    /** At most so many at once; says whenever one has ended. */
    public Runs(RunStore store, Contexts contexts, int most, Runnable ended) {
        this.store = store;
        this.contexts = contexts;
        this.most = most;
        this.ended = ended;
    }

    /** How many may still be begun. */
    public int free() {
        return Math.max(0, most - running.size());
    }

    /** How many there are. */
    public int running() {
        return running.size();
    }

    /** Begins one. */
    public void start(ClaimedRun run) {
        SyncRunner runner = new SyncRunner(run, store, contexts);
        running.put(run.lease(), runner);
        threads.execute(() -> {
            try {
                runner.carryOut();
            } finally {
                running.remove(run.lease(), runner);
                synchronized (running) {
                    running.notifyAll();
                }
                ended.run();
            }
        });
    }

    /** Says that all are alive, stops those that are to stop, and writes what they have to say. */
    public void beat() throws SQLException {
        if (running.isEmpty()) {
            return;
        }
        Map<UUID, SyncRunner> present = Map.copyOf(running);
        Map<UUID, Boolean> ours = store.beat(present.keySet());
        for (Map.Entry<UUID, SyncRunner> entry : present.entrySet()) {
            Boolean cancelled = ours.get(entry.getKey());
            if (cancelled == null) {
                // Either it has just ended by itself, or it was taken over.
                entry.getValue().stop(SyncRunner.Stop.LOST);
            } else if (cancelled) {
                entry.getValue().stop(SyncRunner.Stop.CANCELLED);
            }
            entry.getValue().flushLog();
        }
    }

    /** Waits until none runs. */
    public void await() throws InterruptedException {
        synchronized (running) {
            while (!running.isEmpty()) {
                running.wait();
            }
        }
    }

    /** Gives all back and waits for them; what does not let go in time is taken over when its lease runs out. */
    public void close() throws InterruptedException {
        running.values().forEach(runner -> runner.stop(SyncRunner.Stop.SHUTDOWN));
        threads.shutdown();
        if (!threads.awaitTermination(TO_RETURN.toSeconds(), TimeUnit.SECONDS)) {
            LOG.warn(
                    "{} runs did not let go and are taken over by another node in a quarter of a minute",
                    running.size());
        }
    }
}
