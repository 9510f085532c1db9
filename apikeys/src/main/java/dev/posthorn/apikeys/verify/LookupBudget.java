package dev.posthorn.apikeys.verify;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Bounds what keys that a node has not seen before may ask of the database, so that whoever invents keys takes neither its connections nor
 * its processors from others. A few are looked up at once; of those that turn out not to exist, so many a second, and a tenth of them from
 * one address, or from one /64 of IPv6. A key that exists is never charged.
 *
 * <p>Half of it is for addresses from which no unknown key came lately, so that those who invent keys shut out each other and not the new
 * keys of good callers, unless they have a new address for each. Thread-safe.
 */
final class LookupBudget {
    private static final int AT_ONCE = 4;
    private static final long LONGEST_WAIT_MILLIS = 500;
    private static final int SHARE = 10;
    private static final int ADDRESSES = 100_000;
    private static final Duration LATELY = Duration.ofMinutes(10);
    private static final int NETWORK_BYTES = 8;
    private static final ByteBuffer NOWHERE = ByteBuffer.allocate(0);

    private final Semaphore slots = new Semaphore(AT_ONCE, true);
    /** Of addresses without and with an unknown key lately. */
    private final Allowance newcomers;

    private final Allowance offenders;
    private final int perAddress;
    private final LongSupplier nanoTime;
    /** What is left to addresses from which unknown keys came. */
    private final Cache<ByteBuffer, Allowance> addresses;

    /** A question to the database. */
    @FunctionalInterface
    interface Lookup {
        Optional<CachedKey> ask() throws SQLException;
    }

    /** So many a second, of which one second's worth may come at once. */
    private static final class Allowance {
        private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

        private final LongSupplier nanoTime;
        private final long interval;
        /** What was taken has flowed in again by then. */
        private final AtomicLong restored;

        Allowance(int perSecond, LongSupplier nanoTime) {
            this.nanoTime = nanoTime;
            this.interval = SECOND / perSecond;
            this.restored = new AtomicLong(nanoTime.getAsLong());
        }

        boolean isLeft() {
            return restored.get() - nanoTime.getAsLong() <= SECOND - interval;
        }

        void take() {
            long now = nanoTime.getAsLong();
            restored.updateAndGet(then -> now + Math.max(then - now, 0) + interval);
        }
    }

    /**
     * @param unknownPerSecond how many keys that do not exist may be asked for, from 1
     * @param nanoTime as {@link System#nanoTime}
     */
    LookupBudget(int unknownPerSecond, LongSupplier nanoTime) {
        int half = Math.max(1, unknownPerSecond / 2);
        this.newcomers = new Allowance(half, nanoTime);
        this.offenders = new Allowance(half, nanoTime);
        this.perAddress = Math.max(1, unknownPerSecond / SHARE);
        this.nanoTime = nanoTime;
        this.addresses = Caffeine.newBuilder()
                .maximumSize(ADDRESSES)
                .expireAfterWrite(LATELY)
                .ticker(nanoTime::getAsLong)
                .build();
    }

    /**
     * Looks a key up, and charges it if there is none.
     *
     * @param from where it came from; those of whom that is not known share what one address has
     * @throws TooManyUnknownKeysException if nothing is left
     */
    Optional<CachedKey> spend(@Nullable InetAddress from, Lookup lookup) throws SQLException {
        ByteBuffer network = network(from);
        if (!isLeft(network) || !acquire()) {
            throw new TooManyUnknownKeysException();
        }
        try {
            // Those that waited in front may have used it up.
            if (!isLeft(network)) {
                throw new TooManyUnknownKeysException();
            }
            Optional<CachedKey> found = lookup.ask();
            if (found.isEmpty()) {
                charge(network);
            }
            return found;
        } finally {
            slots.release();
        }
    }

    private boolean isLeft(ByteBuffer network) {
        Allowance own = addresses.getIfPresent(network);
        return own == null ? newcomers.isLeft() : own.isLeft() && offenders.isLeft();
    }

    private void charge(ByteBuffer network) {
        Allowance own = addresses.getIfPresent(network);
        (own == null ? newcomers : offenders).take();
        Allowance charged = own == null ? new Allowance(perAddress, nanoTime) : own;
        charged.take();
        // Also if it stood there, so that it stays while keys are invented.
        addresses.put(network, charged);
    }

    private boolean acquire() {
        try {
            return slots.tryAcquire(LONGEST_WAIT_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Whoever has one address of a /64 has them all. */
    private static ByteBuffer network(@Nullable InetAddress address) {
        if (address == null) {
            return NOWHERE;
        }
        byte[] bytes = address.getAddress();
        return ByteBuffer.wrap(address instanceof Inet6Address ? Arrays.copyOf(bytes, NETWORK_BYTES) : bytes);
    }
}
