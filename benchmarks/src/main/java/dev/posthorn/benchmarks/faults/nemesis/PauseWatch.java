package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Notices when the whole machine stood still, which harms leases as the freeze of a node does. */
final class PauseWatch implements AutoCloseable {
    private static final long NOTABLE_MICROS = 1_500_000;

    private final FaultLog log;
    private final Thread thread =
            Thread.ofPlatform().daemon().name("pause-watch").unstarted(this::watch);
    private volatile long stoodStillMicros;
    private volatile boolean stopping;

    PauseWatch(FaultLog log) {
        this.log = log;
    }

    void start() {
        thread.start();
    }

    private void watch() {
        long before = Journal.now();
        long total = 0;
        while (!stopping) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            long now = Journal.now();
            if (now - before > NOTABLE_MICROS) {
                total += now - before;
                stoodStillMicros = total;
                log.say("this machine stood still for " + (now - before) / 1000 + " ms, not by the nemesis");
                log.harmed("machine stood still", FaultLog.ALL, before);
            }
            before = now;
        }
    }

    /** How long it stood still in all. */
    Duration stoodStill() {
        return Duration.ofNanos(stoodStillMicros * 1000);
    }

    @Override
    public void close() {
        stopping = true;
    }
}
