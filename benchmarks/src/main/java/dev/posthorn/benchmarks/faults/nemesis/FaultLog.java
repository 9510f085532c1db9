package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import java.util.Collection;
import java.util.Locale;

/** What the nemesis did, on the screen and in a log, so that what follows from it can be explained. Thread-safe. */
public final class FaultLog {
    /** Target of what concerns every node. */
    public static final String ALL = "all";

    private final Journal journal;
    private final long begun = Journal.now();

    FaultLog(Journal journal) {
        this.journal = journal;
    }

    /** Says what happens now. */
    void say(String sentence) {
        System.out.printf(Locale.ROOT, "%+7.1f s %s%n", (Journal.now() - begun) / 1e6, sentence);
    }

    /**
     * A time span that is over now.
     *
     * @param target a process id, or {@link #ALL}
     */
    void harmed(String fault, String target, long from) {
        harmed(fault, target, from, Journal.now());
    }

    /** The same, over since an earlier moment. */
    void harmed(String fault, String target, long from, long to) {
        journal.write("fault", fault, target, from, to);
    }

    /** What a node held when it died. */
    void held(long pid, long diedAt, Collection<String> deliveries) {
        deliveries.forEach(delivery -> journal.write("held", pid, diedAt, delivery));
    }
}
