package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Held;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import java.util.ArrayList;
import java.util.List;

/**
 * How long it took until what a killed node held was sent again.
 *
 * @param count deliveries that were held and came again
 * @param within95 microseconds within which 95 % of them did
 * @param longest microseconds
 */
record Resends(int count, long within95, long longest) {
    static Resends of(RunLogs logs) {
        List<Long> waits = new ArrayList<>();
        for (Held held : logs.held) {
            logs.requestsOf(held.delivery()).stream()
                    .mapToLong(Request::at)
                    .filter(at -> at > held.diedAt())
                    .findFirst()
                    .ifPresent(at -> waits.add(at - held.diedAt()));
        }
        waits.sort(null);
        return waits.isEmpty()
                ? new Resends(0, 0, 0)
                : new Resends(waits.size(), waits.get((int) Math.ceil(waits.size() * 0.95) - 1), waits.getLast());
    }
}
