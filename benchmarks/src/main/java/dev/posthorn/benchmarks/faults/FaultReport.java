package dev.posthorn.benchmarks.faults;

import dev.posthorn.benchmarks.faults.checker.Finding;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What came of it all.
 *
 * @param honest the run with nothing planted
 * @param sabotaged the others
 * @param undrained sabotages whose run did not come to its end, so that being found out says nothing
 */
record FaultReport(Verdict honest, Map<Sabotage, Verdict> sabotaged, List<Sabotage> undrained) {
    /** 0 without any finding and with all sabotages caught; 1 with a finding; 2 if the run is void. */
    int exitCode() {
        if (caught() < Sabotage.values().length) {
            return 2;
        }
        return honest.isClean() ? 0 : 1;
    }

    long caught() {
        return sabotaged.keySet().stream().filter(this::isCaught).count();
    }

    private boolean isCaught(Sabotage sabotage) {
        Verdict verdict = sabotaged.get(sabotage);
        return verdict != null && verdict.count(sabotage.betrayal()) > 0 && !undrained.contains(sabotage);
    }

    void print() {
        System.out.printf(
                Locale.ROOT,
                "%d deliveries, %d requests, %d passages judged for their order%n",
                honest.number("deliveries"),
                honest.number("requests"),
                honest.number("ordered"));
        printResends();
        System.out.println(honest.isClean() ? "findings: none" : "findings: " + honest.findings());
        honest.examples().lines().forEach(example -> System.out.println("  " + example));
        sabotaged.forEach((sabotage, verdict) -> {
            System.out.printf(
                    "  %-42s %s: %s%n",
                    sabotage.title(),
                    isCaught(sabotage) ? "caught" : undrained.contains(sabotage) ? "VOID, not drained" : "NOT CAUGHT",
                    verdict.findings());
            if (!isCaught(sabotage)) {
                verdict.examples().lines().forEach(example -> System.out.println("    " + example));
            }
        });
        System.out.printf(
                "faults: accepted %d, lost %d, duplicates %d (%d explained), sabotages caught %d/%d%n",
                honest.number("accepted"),
                honest.count(Finding.LOST),
                honest.number("duplicates"),
                honest.number("explained"),
                caught(),
                Sabotage.values().length);
    }

    private void printResends() {
        if (honest.number("resent") == 0) {
            System.out.println("no killed node held anything");
            return;
        }
        int within95 = honest.number("resent_95_ms");
        int longest = honest.number("resent_longest_ms");
        System.out.printf(
                Locale.ROOT,
                "of %d deliveries that a killed node held 95 %% were sent again within %.1f s (goal 6: %s), all within %.1f s (goal 15: %s)%n",
                honest.number("resent"),
                within95 / 1000.0,
                within95 <= 6_000 ? "met" : "missed",
                longest / 1000.0,
                longest <= 15_000 ? "met" : "missed");
    }
}
