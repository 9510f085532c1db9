package dev.posthorn.integrations.httpjson;

import java.time.Duration;

/** Waits. Tests put one in its place that only notes for how long, and whose time passes by that. */
@FunctionalInterface
interface Pauses {
    /** Waits for so long, unless the thread is interrupted. */
    void pause(Duration duration) throws InterruptedException;

    /** Nanoseconds of a clock that only goes forward. */
    default long nanoTime() {
        return System.nanoTime();
    }
}
