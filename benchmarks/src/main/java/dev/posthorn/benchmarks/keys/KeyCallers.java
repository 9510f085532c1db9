package dev.posthorn.benchmarks.keys;

import dev.posthorn.benchmarks.load.Latencies;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongFunction;

/** Clients that have keys verified over HTTP, each on a kept-alive connection. Thread-safe. */
public final class KeyCallers {
    private final int port;
    private final int connections;
    private final LongFunction<byte[]> requests;
    private final ConcurrentMap<Integer, LongAdder> answers = new ConcurrentHashMap<>();
    private volatile Latencies overslept = new Latencies(new long[0]);
    private volatile Latencies withoutOversleeping = overslept;

    /** @param requests the request of each number, counted from 0 */
    public KeyCallers(int port, int connections, LongFunction<byte[]> requests) {
        this.port = port;
        this.connections = connections;
        this.requests = requests;
    }

    /** How many were answered so far. */
    public long answered() {
        return answers.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** How many with this status. */
    public long answered(int status) {
        return answers.getOrDefault(status, new LongAdder()).sum();
    }

    /** One after the other as fast as it goes. */
    public void asFastAsItGoes(Duration duration) throws Exception {
        AtomicLong next = new AtomicLong();
        long end = System.nanoTime() + duration.toNanos();
        together(connection -> {
            while (System.nanoTime() < end) {
                exchange(connection, next.getAndIncrement());
            }
        });
    }

    /**
     * So many at a fixed rate, in an open loop: each call has its moment, which a slow answer does not move. The latency runs from that
     * moment to the answer, so that waiting for a free connection counts.
     */
    public Latencies atRate(double perSecond, long calls) throws Exception {
        long[] nanos = new long[Math.toIntExact(calls)];
        long[] late = new long[nanos.length];
        long[] served = new long[nanos.length];
        AtomicLong next = new AtomicLong();
        long start = System.nanoTime() + 10_000_000;
        together(connection -> {
            for (long i = next.getAndIncrement(); i < calls; i = next.getAndIncrement()) {
                long moment = start + Math.round(i * 1e9 / perSecond);
                boolean slept = moment > System.nanoTime();
                for (long ahead = moment - System.nanoTime(); ahead > 0; ahead = moment - System.nanoTime()) {
                    LockSupport.parkNanos(ahead);
                }
                late[(int) i] = slept ? System.nanoTime() - moment : 0;
                exchange(connection, i);
                nanos[(int) i] = System.nanoTime() - moment;
                served[(int) i] = nanos[(int) i] - late[(int) i];
            }
        });
        overslept = new Latencies(late);
        withoutOversleeping = new Latencies(served);
        return new Latencies(nanos);
    }

    /**
     * By how much the clients of the last {@link #atRate} woke after the moment of a call that they slept for: what is in its latencies and
     * is not the server's.
     */
    public Latencies overslept() {
        return overslept;
    }

    /** The latencies of the last {@link #atRate} less that; waiting for a connection that was busy still counts. */
    public Latencies withoutOversleeping() {
        return withoutOversleeping;
    }

    private void exchange(KeptConnection connection, long number) throws IOException {
        answers.computeIfAbsent(connection.exchange(requests.apply(number)), status -> new LongAdder())
                .increment();
    }

    private interface Caller {
        void on(KeptConnection connection) throws IOException;
    }

    private void together(Caller caller) throws Exception {
        Callable<Boolean> client = () -> {
            try (KeptConnection connection = new KeptConnection(port)) {
                caller.on(connection);
                return true;
            }
        };
        List<Future<Boolean>> running = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(connections)) {
            for (int i = 0; i < connections; i++) {
                running.add(threads.submit(client));
            }
            for (Future<Boolean> one : running) {
                one.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
