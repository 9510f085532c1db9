package dev.posthorn.apikeys.verify;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.apikeys.ApiKey;
import java.security.MessageDigest;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * The keys that this node has seen, by their prefix. Used only while changes are heard of; an entry that nobody spoke of is asked for
 * again after a minute. Unknown keys are not kept: an inventor of keys does not invent the same one twice. Thread-safe.
 */
final class KeyCache {
    private static final Duration LONGEST = Duration.ofMinutes(1);

    private final Cache<String, CachedKey> keys;
    private final KeyStatements statements;
    private final BooleanSupplier heard;
    /** Counts the changes heard of. */
    private final AtomicLong changes = new AtomicLong();

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
        CachedKey cached = keys.getIfPresent(key.prefix());
        // Two keys may share a prefix, and somebody may try the rest of one.
        if (cached != null && MessageDigest.isEqual(cached.hash(), hash)) {
            return Optional.of(cached);
        }
        long before = changes.get();
        Optional<CachedKey> found = statements.find(hash);
        found.ifPresent(fresh -> {
            keys.put(key.prefix(), fresh);
            // A change that was heard of since the question may have made the answer old; one heard of from now on
            // finds the entry.
            if (changes.get() != before) {
                keys.invalidate(key.prefix());
            }
        });
        return found;
    }

    /** A key changed. */
    void forget(String prefix) {
        changes.incrementAndGet();
        keys.invalidate(prefix);
    }

    /** Anything may have changed. */
    void forgetAll() {
        changes.incrementAndGet();
        keys.invalidateAll();
    }
}
