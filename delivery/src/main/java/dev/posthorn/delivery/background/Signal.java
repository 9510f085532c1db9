package dev.posthorn.delivery.background;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Wakes one waiting loop; a signal that comes while nobody waits is kept for the next wait. Thread-safe. */
public final class Signal {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition given = lock.newCondition();
    private boolean pending;

    /** Gives it. */
    public void give() {
        lock.lock();
        try {
            pending = true;
            given.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a signal, at most so long; returns whether there was one. */
    public boolean await(Duration atMost) throws InterruptedException {
        long nanos = atMost.toNanos();
        lock.lock();
        try {
            while (!pending && nanos > 0) {
                nanos = given.awaitNanos(nanos);
            }
            boolean was = pending;
            pending = false;
            return was;
        } finally {
            lock.unlock();
        }
    }
}
