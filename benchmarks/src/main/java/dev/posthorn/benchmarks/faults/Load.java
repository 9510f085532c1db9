package dev.posthorn.benchmarks.faults;

import dev.posthorn.benchmarks.faults.receiver.Behaviour;
import dev.posthorn.benchmarks.faults.stage.Community;
import java.util.ArrayList;
import java.util.List;

/**
 * What the producers of the honest run do together.
 *
 * @param perSecond events a second; what the communities with special receivers do not make up is queued in batches, by SQL and by REST
 */
record Load(int perSecond) {
    /** A batch brings 50 events on average, and no producer more than this, so that none is at its limits. */
    private static final int MOST_PER_PRODUCER = 500;

    private static final int LARGEST_BATCH = 100;

    private static final List<Community> SPECIAL = List.of(
            Community.bySql("plain", 25, 3, Behaviour.ANSWERS, Behaviour.ANSWERS),
            Community.bySql("ordered", 8, 2, Behaviour.ORDERED, Behaviour.ORDERED),
            Community.byRest("rest", 12, 1, Behaviour.ANSWERS, Behaviour.FAILS_FIRST, Behaviour.SURPLUS),
            Community.bySql(
                    "rough",
                    3,
                    1,
                    Behaviour.SLOW,
                    Behaviour.SILENT_FIRST,
                    Behaviour.RESETS_FIRST,
                    Behaviour.MALFORMED_FIRST),
            Community.bySql("hopeless", 2, 1, Behaviour.ANSWERS, Behaviour.BROKEN, Behaviour.REFUSED));

    /** What the special communities alone bring: the least there is. */
    static final int LEAST =
            (int) SPECIAL.stream().mapToDouble(Community::eventsPerSecond).sum();

    List<Community> communities() {
        List<Community> all = new ArrayList<>(SPECIAL);
        double rest = perSecond - LEAST;
        int producers = (int) Math.ceil(rest / MOST_PER_PRODUCER);
        // By SQL and by REST there are as many.
        producers += producers % 2;
        for (int i = 0; i < producers; i++) {
            int transactions = Math.max(1, (int) Math.round(rest / producers / ((1 + LARGEST_BATCH) / 2.0)));
            all.add(
                    i % 2 == 0
                            ? Community.bySql("bulk" + i, transactions, LARGEST_BATCH, Behaviour.FAILS_SELDOM)
                            : Community.byRest("bulk" + i, transactions, LARGEST_BATCH, Behaviour.FAILS_SELDOM));
        }
        return all;
    }
}
