package dev.posthorn.apikeys.verify;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A daemon thread that repeats one step until it is stopped. It never dies of a failure: it logs the first of a series, tells the
 * listener of each, and tries again after a pause that doubles from 50 ms to 1 s.
 */
final class BackgroundLoop {
    private static final Logger LOG = LoggerFactory.getLogger(BackgroundLoop.class);
    private static final long SHORTEST_PAUSE_MILLIS = 50;
    private static final long LONGEST_PAUSE_MILLIS = 1_000;

    private final String what;
    private final long everyMillis;
    private final Step step;
    private final KeyVerifierListener listener;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private volatile @Nullable Thread thread;

    /** One round of the loop. */
    @FunctionalInterface
    interface Step {
        void run() throws Exception;
    }

    /**
     * @param every pause between two steps that succeed
     */
    BackgroundLoop(String what, Duration every, Step step, KeyVerifierListener listener) {
        this.what = what;
        this.everyMillis = every.toMillis();
        this.step = step;
        this.listener = listener;
    }

    void start() {
        Thread started = new Thread(this::run, "posthorn-" + what);
        started.setDaemon(true);
        thread = started;
        started.start();
    }

    /** Lets the present step end and waits for it, at most so long. */
    void stop(Duration atMost) {
        stopping.countDown();
        Thread started = thread;
        if (started != null) {
            try {
                started.join(atMost.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        long pause = SHORTEST_PAUSE_MILLIS;
        boolean failing = false;
        while (true) {
            long next = everyMillis;
            try {
                step.run();
                if (failing) {
                    LOG.info("{} works again", what);
                }
                failing = false;
                pause = SHORTEST_PAUSE_MILLIS;
            } catch (Exception e) {
                if (!failing) {
                    LOG.warn("{} failed and is tried again: {}", what, firstLine(e));
                    LOG.debug("{}", what, e);
                }
                failing = true;
                listener.failed(what, e);
                next = pause;
                pause = Math.min(LONGEST_PAUSE_MILLIS, pause * 2);
            }
            try {
                if (stopping.await(next, TimeUnit.MILLISECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static String firstLine(Exception failure) {
        String message = failure.getMessage();
        return message == null
                ? failure.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }
}
