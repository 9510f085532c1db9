package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.log.Journal;
import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Queues the events of one community at its pace, and logs what became of each transaction. Runs on a thread of its own. */
abstract class Producer {
    static final String EVENT_TYPE = "faults.happened";

    final Community community;
    final SplittableRandom random;
    private final Journal log;
    private final Thread thread;
    private long number;
    private volatile boolean stopping;
    private volatile boolean heard;
    private volatile String trouble = "nothing";

    Producer(Community community, int ordinal, long seed, Journal log) {
        this.community = community;
        this.log = log;
        this.random = new SplittableRandom(seed * 31 + ordinal);
        this.number = ordinal * 1_000_000_000L;
        this.thread = Thread.ofPlatform()
                .daemon()
                .name("producer of " + community.name())
                .unstarted(this::produce);
    }

    void start() {
        thread.start();
    }

    private void produce() {
        long first = number;
        long next = System.nanoTime();
        while (!stopping && number - first < community.most()) {
            queue();
            if (community.perSecond() > 0) {
                next = Math.max(next + TimeUnit.SECONDS.toNanos(1) / community.perSecond(), System.nanoTime());
                LockSupport.parkNanos(next - System.nanoTime());
            }
        }
        release();
    }

    /** Queues one transaction, whatever it takes. */
    abstract void queue();

    /** Gives back what it holds, at the end. */
    abstract void release();

    boolean isStopping() {
        return stopping;
    }

    /** A number that no other event has. */
    long nextNumber() {
        return ++number;
    }

    /** Remembers why it did not work this time. */
    void trouble(String said) {
        trouble = said;
    }

    void log(String what, long begun, List<String> events) {
        heard |= what.equals("acked");
        log.write(what, begun, Journal.now(), community.name(), String.join(",", events));
    }

    /** Waits until it has ended by itself. */
    void join() throws InterruptedException {
        thread.join();
    }

    /** Lets it end without waiting for it. */
    void leave() {
        stopping = true;
    }

    /** Stops it after its transaction; one that was never told that anything is accepted has tested nothing. */
    void stop() throws IOException, InterruptedException {
        stopping = true;
        thread.join();
        if (!heard) {
            throw new IOException(
                    "the producer of " + community.name() + " had nothing accepted; it heard: " + trouble);
        }
    }
}
