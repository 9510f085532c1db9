package dev.posthorn.benchmarks.load;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** Several writers at once, each on a thread and a connection of its own. Closing closes their connections. For one thread. */
public final class Writers implements AutoCloseable {
    private final List<SqlWriter> writers;
    private final AtomicLong numbers = new AtomicLong();

    /** Opens one more writer. */
    public interface Opening {
        /** A new writer. */
        SqlWriter open() throws SQLException;
    }

    private interface Work {
        void by(SqlWriter writer, int place) throws SQLException;
    }

    /** Opens so many. */
    public Writers(int count, Opening opening) throws SQLException {
        writers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            writers.add(opening.open());
        }
    }

    /**
     * One event per transaction at a fixed rate, in an open loop: each event has its moment, which a slow answer does not move. A writer
     * that is free takes the next one.
     */
    public Queued atRate(double perSecond, Duration duration) throws InterruptedException {
        Queued queued = new Queued();
        long start = WallClock.epochNanos() + 10_000_000;
        long events = Math.round(perSecond * duration.toNanos() / 1e9);
        AtomicLong next = new AtomicLong();
        together((writer, place) -> {
            writer.begin();
            for (long i = next.getAndIncrement(); i < events; i = next.getAndIncrement()) {
                long scheduled = start + Math.round(i * 1e9 / perSecond);
                WallClock.sleepUntil(scheduled);
                var event = writer.queue(numbers.getAndIncrement());
                long committing = WallClock.epochNanos();
                writer.commit();
                queued.add(event, scheduled, committing);
            }
        });
        return queued;
    }

    /**
     * Transactions that queue some events and then stay open for a while before they commit. All writers together reach a rate, their
     * commits spread over time.
     */
    public Queued heldOpen(double perSecond, Duration open, Duration duration) throws InterruptedException {
        Queued queued = new Queued();
        long start = WallClock.epochNanos() + 10_000_000;
        long end = start + duration.toNanos();
        int each = Math.max(1, (int) Math.round(perSecond * open.toNanos() / 1e9 / writers.size()));
        together((writer, place) -> {
            writer.begin();
            long scheduled = start + open.toNanos() * place / writers.size();
            WallClock.sleepUntil(scheduled);
            while (scheduled < end) {
                List<java.util.UUID> events = new ArrayList<>(each);
                for (int i = 0; i < each; i++) {
                    events.add(writer.queue(numbers.getAndIncrement()));
                }
                scheduled = WallClock.epochNanos() + open.toNanos();
                WallClock.sleepUntil(scheduled);
                long committing = WallClock.epochNanos();
                writer.commit();
                for (java.util.UUID event : events) {
                    queued.add(event, scheduled, committing);
                }
            }
        });
        return queued;
    }

    /** One event after the other, each a transaction, as fast as it goes; returns how many were acknowledged. */
    public long single(Duration duration) throws InterruptedException {
        return asFastAsItGoes(duration, writer -> {
            writer.queue(numbers.getAndIncrement());
            return 1;
        });
    }

    /** One batch after the other, each a transaction, as fast as it goes; returns how many events were acknowledged. */
    public long batches(int size, Duration duration) throws InterruptedException {
        return asFastAsItGoes(duration, writer -> writer.queueBatch(size));
    }

    private interface Call {
        int by(SqlWriter writer) throws SQLException;
    }

    private long asFastAsItGoes(Duration duration, Call call) throws InterruptedException {
        AtomicLong acknowledged = new AtomicLong();
        long end = System.nanoTime() + duration.toNanos();
        together((writer, place) -> {
            while (System.nanoTime() < end) {
                acknowledged.addAndGet(call.by(writer));
            }
        });
        return acknowledged.get();
    }

    private void together(Work work) throws InterruptedException {
        List<Callable<Boolean>> parts = new ArrayList<>();
        for (int i = 0; i < writers.size(); i++) {
            int place = i;
            parts.add(() -> {
                work.by(writers.get(place), place);
                return true;
            });
        }
        allOf(parts);
    }

    /** Runs parts at once and waits for all; throws what the first of them to fail threw. */
    static void allOf(List<Callable<Boolean>> parts) throws InterruptedException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Boolean> part : threads.invokeAll(parts)) {
                part.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("the load broke off", e.getCause());
        }
    }

    @Override
    public void close() throws SQLException {
        for (SqlWriter writer : writers) {
            writer.close();
        }
    }
}
