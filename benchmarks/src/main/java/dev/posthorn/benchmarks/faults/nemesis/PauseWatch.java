package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Notices when the whole machine stood still, which harms leases as the freeze of a node does. */
final class PauseWatch implements AutoCloseable {
    private static final long NOTABLE_MICROS = 1_500_000;

    private final FaultLog log;
    private final Thread thread = Thread.ofPlatform().name("pause-watch").unstarted(this::watch);
    private volatile boolean stopping;

    PauseWatch(FaultLog log) {
        this.log = log;
    }

    void start() {
        thread.start();
    }

    private void watch() {
        long before = Journal.now();
        while (!stopping) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            long now = Journal.now();
            if (now - before > NOTABLE_MICROS) {
                log.say("this machine stood still for " + (now - before) / 1000 + " ms, not by the nemesis");
                log.harmed("machine stood still", FaultLog.ALL, before);
            }
            before = now;
        }
    }

    @Override
    public void close() {
        stopping = true;
    }
}
