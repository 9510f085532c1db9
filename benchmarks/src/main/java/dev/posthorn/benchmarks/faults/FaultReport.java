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
                "%d events accepted in %d s, %.0f/s; %d deliveries, %d requests, %d passages judged for their order%n",
                honest.number("accepted"),
                honest.number("seconds"),
                (double) honest.number("accepted") / Math.max(1, honest.number("seconds")),
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
        int held = honest.number("held");
        if (held == 0) {
            System.out.println("no killed node held anything");
            return;
        }
        System.out.printf(
                "killed nodes held %d deliveries, one of them %d; %d had been taken, and came twice%n",
                held, honest.number("held_most"), honest.number("held_taken"));
        int disabled = honest.number("held_disabled");
        if (disabled < held) {
            double within6 = 100.0 * honest.number("resent_within_6") / (held - disabled);
            double within15 = 100.0 * honest.number("resent_within_15") / (held - disabled);
            System.out.printf(
                    Locale.ROOT,
                    "sent again within 6 s %.1f %% (goal 95: %s), within 15 s %.1f %% (goal 100: %s), the last after %.1f s%n",
                    within6,
                    within6 >= 95 ? "met" : "missed",
                    within15,
                    within15 >= 100 ? "met" : "missed",
                    honest.number("resent_longest_ms") / 1000.0);
        }
        if (disabled > 0) {
            System.out.printf(
                    Locale.ROOT,
                    "  not counted there: %d whose endpoint was disabled meanwhile; sent again after %.1f s at most%n",
                    disabled,
                    honest.number("resent_disabled_longest_ms") / 1000.0);
        }
    }
}
