package dev.posthorn.delivery.address;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Resolves names as this machine does, within a time limit.
 *
 * <p>The system's resolver holds a platform thread while it waits: on the virtual threads that send, two names whose servers keep silent
 * would stop everything on a machine of two cores. So it has threads of its own, and a name is asked for once at a time.
 */
public final class SystemResolver implements HostResolver {
    private static final int THREADS = 64;

    private final Duration limit;
    private final Lookup lookup;
    private final ConcurrentMap<String, CompletableFuture<List<IpAddress>>> running = new ConcurrentHashMap<>();
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("posthorn-resolve-", 0).factory());

    /** What answers in the end; replaced in tests. */
    @FunctionalInterface
    interface Lookup {
        InetAddress[] all(String name) throws UnknownHostException;
    }

    /** Waits for an answer for up to 10 seconds. */
    public SystemResolver() {
        this(Duration.ofSeconds(10), InetAddress::getAllByName);
    }

    SystemResolver(Duration limit, Lookup lookup) {
        this.limit = limit;
        this.lookup = lookup;
        threads.allowCoreThreadTimeOut(true);
    }

    @Override
    public List<IpAddress> resolve(String name) throws UnknownHostException {
        CompletableFuture<List<IpAddress>> mine = new CompletableFuture<>();
        CompletableFuture<List<IpAddress>> others = running.putIfAbsent(name, mine);
        if (others == null) {
            threads.execute(() -> look(name, mine));
        }
        try {
            return (others == null ? mine : others).get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new UnknownHostException("no answer for " + name + " within " + limit.toMillis() + " ms");
        } catch (ExecutionException e) {
            throw new UnknownHostException(name);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnknownHostException("interrupted while " + name + " was asked for");
        }
    }

    private void look(String name, CompletableFuture<List<IpAddress>> answer) {
        try {
            List<IpAddress> found =
                    Arrays.stream(lookup.all(name)).map(IpAddress::of).toList();
            running.remove(name);
            answer.complete(found);
        } catch (UnknownHostException | RuntimeException e) {
            running.remove(name);
            answer.completeExceptionally(e);
        }
    }
}
