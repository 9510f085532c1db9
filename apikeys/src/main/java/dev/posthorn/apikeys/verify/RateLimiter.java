package dev.posthorn.apikeys.verify;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.verify.KeyStatements.Draw;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Draws from the token buckets in the database. Of a busy key it draws up to a twentieth of the limit in advance and keeps that for a
 * second at most, so that a node can have let through at most that much more than the bucket holds at a moment. Of a key that was refused
 * it does not ask again before there can be enough. Credits are never drawn in advance. Thread-safe.
 */
final class RateLimiter {
    private static final int SHARE = 20;
    private static final long LEASE_NANOS = Duration.ofSeconds(1).toNanos();

    private final KeyStatements statements;
    private final Cache<BucketId, Bucket> buckets = Caffeine.newBuilder()
            .maximumSize(100_000)
            .expireAfterAccess(Duration.ofMinutes(10))
            .build();

    private record BucketId(UUID key, String name, RateLimit limit) {}

    RateLimiter(KeyStatements statements) {
        this.statements = statements;
    }

    /**
     * What a call got.
     *
     * @param quota null if the key has neither limit nor credits
     */
    record Drawn(
            String code, @Nullable Quota quota, @Nullable Integer retryAfterSeconds) {}

    Drawn draw(StoredKey key, KeyRequest request) throws SQLException {
        RateLimit limit =
                request.limit() != null ? request.limit() : key.rateLimits().get(request.limitName());
        if (limit == null && !key.hasCredits()) {
            return new Drawn("valid", null, null);
        }
        if (limit == null || key.hasCredits()) {
            Draw draw = statements.draw(key.id(), request.limitName(), request.cost(), request.cost(), limit, 0);
            return new Drawn(
                    draw.code(),
                    quota(request.limitName(), limit, draw.tokens(), draw.credits()),
                    draw.retryAfterSeconds());
        }
        BucketId id = new BucketId(key.id(), request.limitName(), limit);
        Bucket bucket = buckets.get(id, Bucket::new);
        return bucket.draw(request.cost());
    }

    private static Quota quota(String name, @Nullable RateLimit limit, double tokens, @Nullable Long credits) {
        if (limit == null) {
            return new Quota(name, null, 0, 0, credits);
        }
        double missing = Math.max(0, limit.max() - tokens);
        return new Quota(
                name,
                limit,
                (long) Math.floor(tokens),
                (int) Math.ceil(missing * limit.periodSeconds() / limit.max()),
                credits);
    }

    /** This node's part of a bucket. Calls for one key wait for each other while one asks the database, and then share what it got. */
    private final class Bucket {
        private final BucketId id;
        private final ReentrantLock lock = new ReentrantLock();
        private final int most;
        private boolean asked;
        private int leased;
        private long leasedAt;
        private int step = 1;
        private double left;
        private int refusedCost = Integer.MAX_VALUE;
        private long refusedUntil;

        Bucket(BucketId id) {
            this.id = id;
            this.most = Math.max(1, id.limit().max() / SHARE);
        }

        Drawn draw(int cost) throws SQLException {
            lock.lock();
            try {
                long now = System.nanoTime();
                int giveBack = 0;
                if (leased > 0 && now - leasedAt > LEASE_NANOS) {
                    // What a second did not use was too much.
                    giveBack = leased;
                    leased = 0;
                    step = 1;
                }
                if (asked && leased >= cost) {
                    leased -= cost;
                    return new Drawn("valid", quota(id.name(), id.limit(), left + leased, null), null);
                }
                if (cost >= refusedCost && refusedUntil - now > 0) {
                    return refused((int) Math.ceil((refusedUntil - now) / 1e9));
                }
                giveBack += leased;
                leased = 0;
                return ask(cost, giveBack);
            } finally {
                lock.unlock();
            }
        }

        private Drawn ask(int cost, int giveBack) throws SQLException {
            int wanted = Math.max(cost, Math.min(most, step));
            Draw draw = statements.draw(id.key(), id.name(), cost, wanted, id.limit(), giveBack);
            leasedAt = System.nanoTime();
            asked = true;
            left = draw.tokens();
            if (!draw.allowed()) {
                Integer seconds = draw.retryAfterSeconds();
                double wait = (Math.min(cost, id.limit().max()) - left)
                        * id.limit().periodSeconds()
                        / id.limit().max();
                refusedCost = cost;
                refusedUntil = leasedAt + (long) (wait * 1e9);
                step = 1;
                return refused(seconds == null ? 1 : seconds);
            }
            refusedCost = Integer.MAX_VALUE;
            leased = draw.granted() - cost;
            step = Math.min(most, Math.max(1, step) * 2);
            return new Drawn("valid", quota(id.name(), id.limit(), left + leased, null), null);
        }

        private Drawn refused(int retryAfterSeconds) {
            return new Drawn(
                    VerifiedKey.Reason.RATE_LIMITED.code(),
                    quota(id.name(), id.limit(), left, null),
                    Math.max(1, retryAfterSeconds));
        }
    }
}
