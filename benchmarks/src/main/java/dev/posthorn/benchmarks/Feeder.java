package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.load.SqlWriter;
import java.sql.SQLException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Keeps a queue filled: whenever fewer than so many deliveries wait, it queues the next batch. Thread-safe. */
public final class Feeder implements AutoCloseable {
    private static final int BATCH = 500;

    private final AtomicLong queued = new AtomicLong();
    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("feeder").daemon().factory());
    private final Future<?> feeding;
    private volatile boolean stopping;

    /** How many were delivered so far. */
    public interface Delivered {
        /** Since the feeder began. */
        long count() throws Exception;
    }

    /** Begins. */
    public Feeder(Stage stage, Stage.Tenant tenant, int waiting, Delivered delivered) throws SQLException {
        SqlWriter writer = stage.writer(tenant);
        feeding = thread.submit(() -> {
            try (writer) {
                while (!stopping) {
                    if (queued.get() - delivered.count() < waiting) {
                        queued.addAndGet(writer.queueBatch(BATCH));
                    } else {
                        LockSupport.parkNanos(2_000_000);
                    }
                }
            }
            return queued;
        });
    }

    /** Stops and returns how many were queued. */
    public long stop() throws InterruptedException {
        stopping = true;
        try {
            feeding.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the feeder broke off", e.getCause());
        }
        return queued.get();
    }

    @Override
    public void close() {
        stopping = true;
        thread.shutdownNow();
    }
}
