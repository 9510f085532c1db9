package dev.posthorn.delivery.send;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The access tokens of endpoints: each is fetched by one at a time, kept until shortly before it expires, and after a failure not asked for
 * again before a pause that doubles from a second to five minutes. Thread-safe.
 */
final class AccessTokens {
    private static final long SHORTEST_PAUSE = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST_PAUSE = TimeUnit.MINUTES.toNanos(5);
    private static final long RENEWED_AT_MOST_EVERY = TimeUnit.MINUTES.toNanos(1);

    private final Fetch fetch;
    private final Cache<Account, Holder> holders = Caffeine.newBuilder()
            .maximumSize(10_000)
            .expireAfterAccess(Duration.ofHours(1))
            .build();

    /** Whose, and by which grant: one that is changed is another. */
    record Account(UUID communityId, UUID endpointId, ClientCredentials grant) {}

    /** Asks a token server. */
    @FunctionalInterface
    interface Fetch {
        /** Takes no longer than some seconds. */
        AccessToken from(Account account) throws TokenException, InterruptedException;
    }

    AccessTokens(Fetch fetch) {
        this.fetch = fetch;
    }

    /**
     * A token that is good.
     *
     * @param deadlineNanos until when to wait for it, by {@link System#nanoTime()}
     */
    AccessToken get(Account account, long deadlineNanos) throws TokenException, InterruptedException {
        return holder(account).get(account, deadlineNanos);
    }

    /**
     * Whether to try again with another token, because the receiver did not take this one: if it was not renewed for that reason lately. It
     * is not given again then.
     */
    boolean isWorthRenewing(Account account, AccessToken refused) {
        return holder(account).dropIfWorthIt(refused);
    }

    private Holder holder(Account account) {
        return holders.get(account, key -> new Holder());
    }

    private final class Holder {
        private final ReentrantLock lock = new ReentrantLock();
        private @Nullable AccessToken token;
        private @Nullable CompletableFuture<AccessToken> fetching;
        private @Nullable SendFailure failure;
        private long failedUntil;
        private long pause = SHORTEST_PAUSE;
        private long renewedAt = System.nanoTime() - RENEWED_AT_MOST_EVERY;

        AccessToken get(Account account, long deadlineNanos) throws TokenException, InterruptedException {
            CompletableFuture<AccessToken> answer;
            lock.lock();
            try {
                long now = System.nanoTime();
                AccessToken known = token;
                if (known != null && known.isFresh(now)) {
                    return known;
                }
                SendFailure failed = failure;
                CompletableFuture<AccessToken> running = fetching;
                if (running != null) {
                    answer = running;
                } else if (failed != null && now - failedUntil < 0) {
                    throw new TokenException(failed);
                } else {
                    answer = new CompletableFuture<>();
                    fetching = answer;
                    // Apart from the attempt that happens to need it first, whose deadline is not that of the others.
                    Thread.ofVirtual().name("posthorn-token").start(() -> fetch(account, answer));
                }
            } finally {
                lock.unlock();
            }
            try {
                return answer.get(Math.max(deadlineNanos - System.nanoTime(), 0), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                throw new TokenException(new SendFailure("oauth2", "the token server did not answer in time"));
            } catch (ExecutionException e) {
                throw e.getCause() instanceof TokenException token
                        ? token
                        : new TokenException(new SendFailure("oauth2", "the access token could not be fetched"));
            }
        }

        private void fetch(Account account, CompletableFuture<AccessToken> answer) {
            try {
                AccessToken fetched = AccessTokens.this.fetch.from(account);
                lock.lock();
                try {
                    token = fetched;
                    failure = null;
                    pause = SHORTEST_PAUSE;
                    fetching = null;
                } finally {
                    lock.unlock();
                }
                answer.complete(fetched);
            } catch (TokenException | InterruptedException | RuntimeException e) {
                SendFailure why = e instanceof TokenException told
                        ? told.failure()
                        : new SendFailure("oauth2", "the access token could not be fetched");
                lock.lock();
                try {
                    token = null;
                    fetching = null;
                    // A failure of our own side is over when that is; the token server has no part in it.
                    if (why.fault() == null) {
                        failure = why;
                        failedUntil = System.nanoTime() + pause;
                        pause = Math.min(pause * 2, LONGEST_PAUSE);
                    }
                } finally {
                    lock.unlock();
                }
                answer.completeExceptionally(new TokenException(why));
            }
        }

        boolean dropIfWorthIt(AccessToken refused) {
            lock.lock();
            try {
                if (!refused.equals(token)) {
                    // Another has seen to it meanwhile.
                    return true;
                }
                long now = System.nanoTime();
                if (now - renewedAt < RENEWED_AT_MOST_EVERY) {
                    return false;
                }
                renewedAt = now;
                token = null;
                return true;
            } finally {
                lock.unlock();
            }
        }
    }
}
