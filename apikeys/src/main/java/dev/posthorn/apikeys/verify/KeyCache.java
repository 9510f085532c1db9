package dev.posthorn.apikeys.verify;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.apikeys.ApiKey;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The keys that this node has seen, by their SHA-256: whoever invents a key learns nothing from the time it takes, not even whether there
 * is one that begins so. Used only while changes are heard of; an entry that nobody spoke of is asked for again after a minute.
 *
 * <p>A key that was seen to exist is asked for again without limit; all others are asked for within a {@link LookupBudget}. Of keys that do
 * not exist the last few are remembered for seconds, for the program that goes on presenting a key that is gone. Thread-safe.
 */
final class KeyCache {
    private static final long LONGEST_NANOS = Duration.ofMinutes(1).toNanos();
    private static final Duration LONGEST_UNKNOWN = Duration.ofSeconds(10);
    private static final int UNKNOWN = 10_000;
    /** No counter stands there: the entry says that the key exists, and nothing else. */
    private static final long NEVER = -1;

    private static final int COUNTERS = 1 << 14;

    private final Cache<KeyHash, Entry> keys;
    /** Keys that do not exist, with the counter as in {@link #keys}: the making of a key is a change too. */
    private final Cache<KeyHash, Long> unknown = Caffeine.newBuilder()
            .maximumSize(UNKNOWN)
            .expireAfterWrite(LONGEST_UNKNOWN)
            .build();

    private final KeyStatements statements;
    private final LookupBudget budget;
    private final BooleanSupplier heard;

    /**
     * Counts the changes heard of, by prefix; prefixes share counters. An entry is good while its counter stands where it stood before the
     * database was asked for it, so that an answer which a change has overtaken is never used.
     */
    private final AtomicLongArray changes = new AtomicLongArray(COUNTERS);

    /** A SHA-256, which is spread evenly already. */
    private record KeyHash(byte[] bytes) {
        @Override
        public boolean equals(Object other) {
            return other instanceof KeyHash hash && MessageDigest.isEqual(bytes, hash.bytes);
        }

        @Override
        public int hashCode() {
            return ByteBuffer.wrap(bytes).getInt();
        }
    }

    private record Entry(CachedKey key, long changes) {
        boolean isGood(long changesNow) {
            return changes == changesNow && System.nanoTime() - key.readAtNanos() < LONGEST_NANOS;
        }
    }

    /**
     * @param capacity how many keys are kept
     * @param heard whether changes are heard of at this moment
     */
    KeyCache(KeyStatements statements, LookupBudget budget, int capacity, BooleanSupplier heard) {
        this.statements = statements;
        this.budget = budget;
        this.heard = heard;
        this.keys = Caffeine.newBuilder().maximumSize(capacity).build();
    }

    /**
     * The key as it is; empty if there is none.
     *
     * @param from where it was presented from; null if that is not known
     * @throws TooManyUnknownKeysException if it is new here, and others that were do not exist
     */
    Optional<CachedKey> find(ApiKey key, @Nullable InetAddress from) throws SQLException {
        byte[] hash = key.hash();
        KeyHash id = new KeyHash(hash);
        boolean listening = heard.getAsBoolean();
        long before = listening ? changes.get(counter(key.prefix())) : NEVER;
        Entry entry = keys.getIfPresent(id);
        if (listening && entry != null && entry.isGood(before)) {
            return Optional.of(entry.key());
        }
        if (listening && Objects.equals(unknown.getIfPresent(id), before)) {
            return Optional.empty();
        }
        Optional<CachedKey> found =
                entry != null ? statements.find(hash) : budget.spend(from, () -> statements.find(hash));
        if (found.isPresent()) {
            keys.put(id, new Entry(found.get(), before));
        } else {
            keys.invalidate(id);
            unknown.put(id, before);
        }
        return found;
    }

    /** A key changed. */
    void forget(String prefix) {
        changes.incrementAndGet(counter(prefix));
    }

    /** Anything may have changed. That the keys exist is still known. */
    void forgetAll() {
        for (int counter = 0; counter < COUNTERS; counter++) {
            changes.incrementAndGet(counter);
        }
    }

    private static int counter(String prefix) {
        int hash = prefix.hashCode();
        return (hash ^ (hash >>> 16)) & (COUNTERS - 1);
    }
}
