package dev.posthorn.apikeys.verify;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.Scopes;
import dev.posthorn.apikeys.verify.VerifiedKey.Denied;
import dev.posthorn.apikeys.verify.VerifiedKey.Reason;
import dev.posthorn.apikeys.verify.VerifiedKey.Valid;
import java.net.InetAddress;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges presented keys, in this order: is there such a key, is it revoked, disabled, expired, may it be used from there, has it the
 * scopes, are its rate limit and its credits enough. A denied call consumes nothing.
 *
 * <p>A key that was verified before costs no query, unless it has credits or its node's share of the rate limit is used up. A revoked key
 * is refused on every node within 100 ms (p99) of the commit, and within 2 seconds where notifications do not come through: a node that
 * has not heard its own for a second asks the database each time.
 *
 * <p>The login of the connections must be the owner of the schema or inherit {@code posthorn_service}. Thread-safe. {@link #start} and
 * {@link #close} may be called more than once.
 */
public final class KeyVerifier implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(KeyVerifier.class);
    private static final Duration FLUSH_EVERY = Duration.ofSeconds(5);
    private static final Duration MAINTAIN_EVERY = Duration.ofMinutes(1);
    private static final Duration STOP_WITHIN = Duration.ofSeconds(5);

    private final KeyStatements statements;
    private final KeyCache cache;
    private final ChangeListener changes;
    private final RateLimiter limiter;
    private final UsageLog usage;
    private final Options options;
    private final BackgroundLoop listening;
    private final BackgroundLoop flushing;
    private final BackgroundLoop maintaining;
    private final AtomicReference<State> state = new AtomicReference<>(State.NEW);

    private enum State {
        NEW,
        RUNNING,
        CLOSED
    }

    /**
     * How a verifier works.
     *
     * @param cachedKeys how many keys are kept in memory
     * @param limitsFailOpen whether a call goes through when the database cannot be asked for its rate limit or credits; if not, the
     *     failure is thrown. Finding a key never fails open
     * @param unknownPerSecond how many keys that do not exist may be asked for in the database, from 1; a tenth of them from one address.
     *     Beyond that, keys that are new to this node are not judged: {@link TooManyUnknownKeysException}
     */
    public record Options(int cachedKeys, boolean limitsFailOpen, int unknownPerSecond, KeyVerifierListener listener) {
        /** 100,000 keys, limits fail open, 1,000 unknown keys a second, nobody listens. */
        public static Options usual() {
            return new Options(100_000, true, 1_000, new KeyVerifierListener() {});
        }

        /** With another number of unknown keys a second. */
        public Options unknownPerSecond(int most) {
            return new Options(cachedKeys, limitsFailOpen, most, listener);
        }
    }

    /**
     * Works over the given databases, which are the same one.
     *
     * @param database for questions and usage: a pool
     * @param own for one connection that is kept; not the application's pool
     */
    public KeyVerifier(DataSource database, DataSource own, Options options) {
        this.options = options;
        this.statements = new KeyStatements(database);
        KeyCacheHolder holder = new KeyCacheHolder();
        this.changes = new ChangeListener(own, holder::forget, holder::forgetAll);
        LookupBudget budget = new LookupBudget(options.unknownPerSecond(), System::nanoTime);
        this.cache = new KeyCache(statements, budget, options.cachedKeys(), changes::isHeard);
        holder.cache = cache;
        this.limiter = new RateLimiter(statements);
        this.usage = new UsageLog(statements);
        KeyVerifierListener listener = options.listener();
        this.listening = new BackgroundLoop("key-changes", Duration.ZERO, changes::step, listener);
        this.flushing = new BackgroundLoop("key-usage", FLUSH_EVERY, usage::flush, listener);
        this.maintaining = new BackgroundLoop("key-upkeep", MAINTAIN_EVERY, statements::maintain, listener);
    }

    /** The listener and the cache know each other. */
    private static final class KeyCacheHolder {
        private volatile @Nullable KeyCache cache;

        void forget(String prefix) {
            KeyCache known = cache;
            if (known != null) {
                known.forget(prefix);
            }
        }

        void forgetAll() {
            KeyCache known = cache;
            if (known != null) {
                known.forgetAll();
            }
        }
    }

    /** Begins to listen for changes and to write usage. Before that, every key is asked for in the database. */
    public void start() {
        if (state.compareAndSet(State.NEW, State.RUNNING)) {
            listening.start();
            flushing.start();
            maintaining.start();
        }
    }

    /** Whether changes are heard of, so that keys need not be asked for each time. */
    public boolean isHearing() {
        return changes.isHeard();
    }

    /**
     * Judges a key, draws its limits and counts the call.
     *
     * @throws TooManyUnknownKeysException if the key is new here, and too many of those that were lately do not exist
     * @throws SQLException if the database must be asked and does not answer
     */
    public VerifiedKey verify(KeyRequest request) throws SQLException {
        VerifiedKey verified;
        try {
            verified = judge(request);
        } catch (TooManyUnknownKeysException e) {
            options.listener().lookupRefused();
            throw e;
        }
        options.listener().verified(verified.code());
        return verified;
    }

    private VerifiedKey judge(KeyRequest request) throws SQLException {
        Optional<ApiKey> parsed = ApiKey.parse(request.presented());
        Optional<CachedKey> found = parsed.isEmpty() ? Optional.empty() : cache.find(parsed.get(), request.ip());
        if (found.isEmpty()
                || (request.communityId() != null
                        && !request.communityId().equals(found.get().key().communityId()))) {
            usage.countUnknown(request.ip());
            return Denied.because(Reason.UNKNOWN, null);
        }
        CachedKey cached = found.get();
        StoredKey key = cached.key();
        Reason reason = refusal(cached, request);
        VerifiedKey verified = reason != null ? Denied.because(reason, key) : drawn(key, request);
        usage.count(key.id(), verified.code(), verified instanceof Valid ? request.cost() : 0, cached.now());
        return verified;
    }

    private static @Nullable Reason refusal(CachedKey cached, KeyRequest request) {
        StoredKey key = cached.key();
        if (cached.state() != null) {
            return cached.state();
        }
        if (key.expiresAt() != null && !key.expiresAt().isAfter(cached.now())) {
            return Reason.EXPIRED;
        }
        if (!isAllowed(key.allowedNetworks(), request.ip())) {
            return Reason.IP_NOT_ALLOWED;
        }
        boolean covered = request.scopes().stream().allMatch(scope -> Scopes.cover(key.scopes(), scope));
        return covered ? null : Reason.SCOPE_MISSING;
    }

    private static boolean isAllowed(List<Network> networks, @Nullable InetAddress ip) {
        return networks.isEmpty() || (ip != null && networks.stream().anyMatch(network -> network.contains(ip)));
    }

    private VerifiedKey drawn(StoredKey key, KeyRequest request) throws SQLException {
        RateLimiter.Drawn drawn;
        try {
            drawn = limiter.draw(key, request);
        } catch (SQLException e) {
            if (!options.limitsFailOpen()) {
                throw e;
            }
            LOG.debug("the rate limit of key {} could not be drawn", key.id(), e);
            options.listener().limitSkipped();
            return new Valid(key, null);
        }
        return drawn.code().equals("valid")
                ? new Valid(key, drawn.quota())
                : new Denied(
                        Reason.valueOf(drawn.code().toUpperCase(Locale.ROOT)),
                        key,
                        drawn.quota(),
                        drawn.retryAfterSeconds());
    }

    /** Writes the usage counted so far; it is written every 5 seconds anyway, and at {@link #close}. */
    public void flush() throws SQLException {
        usage.flush();
    }

    @Override
    public void close() {
        if (state.getAndSet(State.CLOSED) == State.RUNNING) {
            maintaining.stop(STOP_WITHIN);
            flushing.stop(STOP_WITHIN);
            listening.stop(STOP_WITHIN);
            changes.close();
            try {
                usage.flush();
            } catch (SQLException e) {
                LOG.warn("the usage of the last seconds could not be written: {}", e.getMessage());
            }
        }
    }
}
