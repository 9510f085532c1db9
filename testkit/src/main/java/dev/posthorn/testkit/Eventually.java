package dev.posthorn.testkit;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Waits for what comes true by itself; whoever waits too long fails and says for what. */
public final class Eventually {
    private static final Duration USUAL = Duration.ofMinutes(1);
    private static final long PAUSE_NANOS = 20_000_000;

    private Eventually() {}

    /** What is to come true. */
    @FunctionalInterface
    public interface Condition {
        /** Looks once. */
        boolean holds() throws Exception;
    }

    /**
     * Waits for a minute at most.
     *
     * @throws AssertionError if it does not come true
     */
    public static void until(String what, Condition condition) {
        until(() -> what, USUAL, condition);
    }

    /**
     * Waits for a time at most.
     *
     * @param what is asked when the time is over, so that it can tell how far things have come
     * @throws AssertionError if it does not come true
     */
    public static void until(Supplier<String> what, Duration atMost, Condition condition) {
        long begun = System.nanoTime();
        while (!holds(condition)) {
            if (System.nanoTime() - begun > atMost.toNanos()) {
                throw new AssertionError("within " + atMost + ": " + what.get());
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private static boolean holds(Condition condition) {
        try {
            return condition.holds();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
