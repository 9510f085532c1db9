package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Held;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What became of the deliveries that killed nodes held.
 *
 * @param held how many there were, over all kills
 * @param most how many one node held
 * @param taken of how many a receiver had taken the request before the kill, so that they come as duplicates
 * @param within6 how many were sent again within 6 seconds of the kill
 * @param within15 within 15 seconds
 * @param longest microseconds until the last of those that were sent again
 */
record Resends(int held, int most, int taken, int within6, int within15, long longest) {
    static Resends of(RunLogs logs) {
        Map<Long, Integer> perKill = new HashMap<>();
        List<Long> waits = new ArrayList<>();
        int taken = 0;
        for (Held held : logs.held) {
            perKill.merge(held.diedAt(), 1, Integer::sum);
            List<Request> requests = logs.requestsOf(held.delivery());
            requests.stream()
                    .mapToLong(Request::at)
                    .filter(at -> at > held.diedAt())
                    .findFirst()
                    .ifPresent(at -> waits.add(at - held.diedAt()));
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
                waits.stream().mapToLong(Long::longValue).max().orElse(0));
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
