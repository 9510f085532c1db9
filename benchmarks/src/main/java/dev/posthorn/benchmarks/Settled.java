package dev.posthorn.benchmarks;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.settle.SettledDelivery;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Counts what an engine has delivered. Thread-safe. */
public final class Settled implements DeliveryListener {
    private final AtomicLong delivered = new AtomicLong();

    @Override
    public void settled(SettledDelivery delivery) {
        if (delivery.status().equals("delivered")) {
            delivered.incrementAndGet();
        }
    }

    /** How many so far. */
    public long delivered() {
        return delivered.get();
    }

    /** Waits until there are so many. */
    public void await(long deliveries, Duration atMost) throws TimeoutException {
        long end = System.nanoTime() + atMost.toNanos();
        while (delivered.get() < deliveries) {
            if (System.nanoTime() > end) {
                throw new TimeoutException(delivered.get() + " of " + deliveries + " delivered after " + atMost);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }
}
