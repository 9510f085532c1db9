package dev.posthorn.apikeys.verify;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.apikeys.ApiKey;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;

/**
 * The keys that this node has seen, by their SHA-256: whoever invents a key learns nothing from the time it takes, not even whether there
 * is one that begins so. Used only while changes are heard of; an entry that nobody spoke of is asked for again after a minute. Unknown
 * keys are not kept: an inventor of keys does not invent the same one twice. Thread-safe.
 */
final class KeyCache {
    private static final Duration LONGEST = Duration.ofMinutes(1);
    private static final int COUNTERS = 1 << 14;

    private final Cache<KeyHash, Entry> keys;
    private final KeyStatements statements;
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

    private record Entry(CachedKey key, long changes) {}

    /**
     * @param capacity how many keys are kept
     * @param heard whether changes are heard of at this moment
     */
    KeyCache(KeyStatements statements, int capacity, BooleanSupplier heard) {
        this.statements = statements;
        this.heard = heard;
        this.keys = Caffeine.newBuilder()
                .maximumSize(capacity)
                .expireAfterWrite(LONGEST)
                .build();
    }

    Optional<CachedKey> find(ApiKey key) throws SQLException {
        byte[] hash = key.hash();
        if (!heard.getAsBoolean()) {
            return statements.find(hash);
        }
        long before = changes.get(counter(key.prefix()));
        KeyHash id = new KeyHash(hash);
        Entry entry = keys.getIfPresent(id);
        if (entry != null && entry.changes() == before) {
            return Optional.of(entry.key());
        }
        Optional<CachedKey> found = statements.find(hash);
        found.ifPresent(fresh -> keys.put(id, new Entry(fresh, before)));
        return found;
    }

    /** A key changed. */
    void forget(String prefix) {
        changes.incrementAndGet(counter(prefix));
    }

    /** Anything may have changed. */
    void forgetAll() {
        for (int counter = 0; counter < COUNTERS; counter++) {
            changes.incrementAndGet(counter);
        }
        keys.invalidateAll();
    }

    private static int counter(String prefix) {
        int hash = prefix.hashCode();
        return (hash ^ (hash >>> 16)) & (COUNTERS - 1);
    }
}
