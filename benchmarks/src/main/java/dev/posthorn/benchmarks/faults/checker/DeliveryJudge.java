package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Attempt;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Delivery;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Lease;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import java.util.List;

/** Judges each delivery that the database knows by what arrived of it. For one thread. */
final class DeliveryJudge {
    private final RunLogs logs;
    private final Findings findings;
    private final Explanations explanations;
    private int duplicates;
    private int explained;

    DeliveryJudge(RunLogs logs, Findings findings) {
        this.logs = logs;
        this.findings = findings;
        this.explanations = new Explanations(logs);
    }

    void judge() {
        logs.deliveries.values().forEach(this::judge);
        for (String[] broken : logs.invariants) {
            findings.add(Finding.WRONG_STATE, "check_invariants(): " + broken[0] + " " + broken[1]);
        }
    }

    int duplicates() {
        return duplicates;
    }

    int explained() {
        return explained;
    }

    private void judge(Delivery delivery) {
        Endpoint endpoint = logs.endpoints.get(delivery.endpoint());
        if (endpoint == null) {
            findings.add(Finding.UNEXPECTED, "delivery " + delivery.id() + " to an endpoint that is nobody's");
            return;
        }
        List<Request> requests = logs.requestsOf(delivery.id());
        List<Request> taken = requests.stream()
                .filter(request -> request.path().equals(endpoint.path()) && request.answeredWell(endpoint))
                .toList();
        switch (delivery.status()) {
            case "delivered" -> {
                if (taken.isEmpty()) {
                    findings.add(
                            Finding.LOST, "delivery " + delivery.id() + " is delivered, and no receiver has taken it");
                }
            }
            case "dead_letter", "failed" -> judgeGivenUp(delivery, endpoint, taken);
            default ->
                findings.add(Finding.WRONG_STATE, "delivery " + delivery.id() + " is still " + delivery.status());
        }
        countDuplicates(delivery, requests, taken);
        judgeHistory(delivery);
    }

    private void judgeGivenUp(Delivery delivery, Endpoint endpoint, List<Request> taken) {
        if (delivery.status().equals("failed") && !endpoint.refused()) {
            findings.add(Finding.WRONG_STATE, "delivery " + delivery.id() + " failed, and nobody said 410");
        }
        if (!taken.stream().allMatch(request -> explanations.mayNotHaveCounted(delivery, request))) {
            findings.add(
                    Finding.WRONG_STATE,
                    "delivery " + delivery.id() + " is " + delivery.status() + ", and a receiver has taken it");
        }
    }

    /**
     * Whatever comes after it was taken is a duplicate; it is explained if the last time that it was taken may not have counted, or if it comes
     * from a node that has just been thawed.
     */
    private void countDuplicates(Delivery delivery, List<Request> requests, List<Request> taken) {
        Request lastTaken = null;
        for (Request request : requests) {
            if (lastTaken != null) {
                duplicates++;
                if (explanations.mayNotHaveCounted(delivery, lastTaken)
                        || explanations.cameFromAThaw(delivery, request)) {
                    explained++;
                } else {
                    findings.add(
                            Finding.DUPLICATE,
                            "delivery " + delivery.id() + " to " + request.path() + " was taken at " + lastTaken.at()
                                    + " (signed in the second " + lastTaken.timestamp() + ") and sent again at "
                                    + request.at() + "; its history: "
                                    + logs.attempts.getOrDefault(delivery.id(), List.of()));
                }
            }
            if (taken.contains(request)) {
                lastTaken = request;
            }
        }
    }

    private void judgeHistory(Delivery delivery) {
        List<Attempt> attempts = logs.attempts.getOrDefault(delivery.id(), List.of());
        List<Integer> numbers = attempts.stream()
                .filter(attempt -> !attempt.outcome().equals("superseded")
                        && !attempt.number().equals("-"))
                .map(attempt -> Integer.parseInt(attempt.number()))
                .sorted()
                .toList();
        for (int i = 0; i < Math.max(numbers.size(), delivery.attempts()); i++) {
            if (i >= numbers.size() || i >= delivery.attempts() || numbers.get(i) != i + 1) {
                findings.add(
                        Finding.WRONG_STATE,
                        "delivery " + delivery.id() + " counts " + delivery.attempts() + " attempts, its history "
                                + numbers);
                break;
            }
        }
        List<Lease> leases = logs.leasesOf(delivery.id());
        for (Attempt attempt : attempts) {
            if (!attempt.outcome().equals("failed") || attempt.dispatcher().equals("-")) {
                continue;
            }
            Lease holder = null;
            for (Lease lease : leases) {
                holder = lease.at() <= attempt.recordedAt() ? lease : holder;
            }
            if (holder != null && !holder.dispatcher().equals(attempt.dispatcher())) {
                findings.add(
                        Finding.WRONG_STATE,
                        "a result for delivery " + delivery.id() + " counted, and its sender no longer held the lease");
            }
        }
    }
}
