package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Delivery;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Held;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What became of the deliveries that killed nodes held.
 *
 * @param held how many there were, over all kills
 * @param most how many one node held
 * @param taken of how many a receiver had taken the request before the kill, so that they come as duplicates
 * @param within6 how many were sent again within 6 seconds of the kill, of those whose endpoint was enabled all the time
 * @param within15 within 15 seconds
 * @param longestMicros until the last of those that were sent again
 * @param disabled how many went to endpoints that were disabled before they were sent again: nothing may be sent to those
 * @param longestDisabledMicros until the last of these
 */
record Resends(
        int held,
        int most,
        int taken,
        int within6,
        int within15,
        long longestMicros,
        int disabled,
        long longestDisabledMicros) {
    static Resends of(RunLogs logs) {
        Map<Long, Integer> perKill = new HashMap<>();
        List<Long> waits = new ArrayList<>();
        List<Long> waitsOfDisabled = new ArrayList<>();
        int disabled = 0;
        int taken = 0;
        for (Held held : logs.held) {
            perKill.merge(held.diedAt(), 1, Integer::sum);
            List<Request> requests = logs.requestsOf(held.delivery());
            long again = requests.stream()
                    .mapToLong(Request::at)
                    .filter(at -> at > held.diedAt())
                    .findFirst()
                    .orElse(Long.MAX_VALUE);
            boolean wasDisabled = wasDisabled(logs, held, again);
            disabled += wasDisabled ? 1 : 0;
            if (again < Long.MAX_VALUE) {
                (wasDisabled ? waitsOfDisabled : waits).add(again - held.diedAt());
            }
            if (requests.stream().anyMatch(request -> isTaken(logs, request, held.diedAt()))) {
                taken++;
            }
        }
        return new Resends(
                logs.held.size(),
                perKill.values().stream().mapToInt(Integer::intValue).max().orElse(0),
                taken,
                (int) waits.stream().filter(wait -> wait <= 6_000_000).count(),
                (int) waits.stream().filter(wait -> wait <= 15_000_000).count(),
                waits.isEmpty() ? 0 : Collections.max(waits),
                disabled,
                waitsOfDisabled.isEmpty() ? 0 : Collections.max(waitsOfDisabled));
    }

    private static boolean wasDisabled(RunLogs logs, Held held, long until) {
        Delivery delivery = logs.deliveries.get(held.delivery());
        return delivery != null && logs.wasDisabled(delivery.endpoint(), held.diedAt(), until);
    }

    private static boolean isTaken(RunLogs logs, Request request, long before) {
        return request.answeredAt() <= before
                && logs.endpoints.values().stream()
                        .filter(endpoint -> endpoint.path().equals(request.path()))
                        .findFirst()
                        .filter((Endpoint endpoint) -> request.answeredWell(endpoint))
                        .isPresent();
    }
}
