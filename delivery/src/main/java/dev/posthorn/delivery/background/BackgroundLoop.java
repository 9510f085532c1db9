package dev.posthorn.delivery.background;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that repeats one step until it is stopped. It never dies of a failure: it logs the first of a series, tells the listener of
 * each, and tries again after a pause that doubles from 50 ms to 1 s.
 */
public final class BackgroundLoop {
    private static final Logger LOG = LoggerFactory.getLogger(BackgroundLoop.class);
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(50);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    private final String what;
    private final Step step;
    private final FailureListener failures;
    private final Signal stopping = new Signal();
    private volatile boolean running = true;
    private volatile @Nullable Thread thread;

    /** One round of the loop. */
    @FunctionalInterface
    public interface Step {
        /** Does it, and waits for the next. */
        void run() throws Exception;
    }

    /** Hears of failed rounds. */
    @FunctionalInterface
    public interface FailureListener {
        /** A round has failed. */
        void failed(String what, Exception failure);
    }

    /**
     * @param what for logs and the thread's name
     * @param step one round; an {@link InterruptedException} ends the loop
     * @param failures hears of failed rounds
     */
    public BackgroundLoop(String what, Step step, FailureListener failures) {
        this.what = what;
        this.step = step;
        this.failures = failures;
    }

    /** Begins. */
    public void start() {
        thread = Thread.ofVirtual().name("posthorn-" + what).start(this::run);
    }

    /** Lets the present round be the last one; does not wait for its end. */
    public void end() {
        running = false;
        stopping.give();
    }

    /** Lets the present round be the last one and waits for its end; the interrupted wait of a round ends at once. */
    public void stop(Duration atMost) throws InterruptedException {
        end();
        Thread started = thread;
        if (started != null && !started.join(atMost)) {
            started.interrupt();
            started.join(Duration.ofSeconds(5));
        }
    }

    private void run() {
        Duration pause = SHORTEST_PAUSE;
        boolean failing = false;
        while (running) {
            try {
                step.run();
                if (failing) {
                    LOG.info("{} works again", what);
                }
                failing = false;
                pause = SHORTEST_PAUSE;
            } catch (InterruptedException e) {
                return;
            } catch (Exception e) {
                if (!failing) {
                    LOG.warn("{} failed and is tried again: {}", what, firstLine(e));
                    LOG.debug("{}", what, e);
                }
                failing = true;
                failures.failed(what, e);
                try {
                    stopping.await(pause);
                } catch (InterruptedException stopped) {
                    return;
                }
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause.multipliedBy(2);
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
