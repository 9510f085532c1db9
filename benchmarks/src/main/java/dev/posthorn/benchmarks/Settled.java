package dev.posthorn.benchmarks;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.settle.SettledDelivery;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Counts what an engine has delivered. Thread-safe. */
final class Settled implements DeliveryListener {
    private final AtomicLong delivered = new AtomicLong();

    @Override
    public void settled(SettledDelivery delivery) {
        if (delivery.status().equals("delivered")) {
            delivered.incrementAndGet();
        }
    }

    long delivered() {
        return delivered.get();
    }

    void await(long deliveries, Duration atMost) throws TimeoutException {
        long end = System.nanoTime() + atMost.toNanos();
        while (delivered.get() < deliveries) {
            if (System.nanoTime() > end) {
                throw new TimeoutException(delivered.get() + " of " + deliveries + " delivered after " + atMost);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }
}
