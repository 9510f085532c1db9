package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Delivery;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Transaction;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Judges what producers were told by what is stored and what arrived. For one thread. */
final class AcceptanceJudge {
    private static final Set<String> ALLOWED = Set.of("127.0.0.1", "127.0.0.3");

    private final RunLogs logs;
    private final Findings findings;
    private final Map<String, Set<String>> endpointsOfEvent = new HashMap<>();
    private final Map<String, Transaction> transactionOfEvent = new HashMap<>();
    private int accepted;

    AcceptanceJudge(RunLogs logs, Findings findings) {
        this.logs = logs;
        this.findings = findings;
        for (Delivery delivery : logs.deliveries.values()) {
            endpointsOfEvent
                    .computeIfAbsent(delivery.event(), key -> new HashSet<>())
                    .add(delivery.endpoint());
        }
    }

    void judge() {
        for (Transaction transaction : logs.transactions) {
            for (String event : transaction.events()) {
                transactionOfEvent.put(event, transaction);
                if (transaction.acknowledged()) {
                    accepted++;
                    judgeAcknowledged(transaction, event);
                }
            }
        }
        logs.communityOfEvent.forEach(this::judgeStored);
        logs.requests.values().forEach(requests -> requests.forEach(this::judgeArrived));
    }

    int accepted() {
        return accepted;
    }

    private void judgeAcknowledged(Transaction transaction, String event) {
        Set<String> found = endpointsOfEvent.getOrDefault(event, Set.of());
        for (Endpoint endpoint : logs.endpoints.values()) {
            if (endpoint.community().equals(transaction.community()) && !found.contains(endpoint.id())) {
                findings.add(
                        Finding.LOST,
                        "event " + event + " was acknowledged, and there is no delivery of it to " + endpoint.path());
            }
        }
    }

    private void judgeStored(String event, String community) {
        Transaction transaction = transactionOfEvent.get(event);
        if (transaction == null) {
            findings.add(Finding.UNEXPECTED, "event " + event + " is stored, and no producer knows it");
        } else if (transaction.outcome().equals("undone")) {
            findings.add(Finding.UNEXPECTED, "event " + event + " is stored, and its transaction was rolled back");
        } else if (!transaction.community().equals(community)) {
            findings.add(Finding.UNEXPECTED, "event " + event + " is stored for another community");
        }
    }

    private void judgeArrived(Request request) {
        Delivery delivery = logs.deliveries.get(request.delivery());
        if (delivery == null) {
            findings.add(
                    Finding.UNEXPECTED,
                    "delivery " + request.delivery() + " arrived, and the database does not know it");
            return;
        }
        Endpoint endpoint = logs.endpoints.get(delivery.endpoint());
        if (!request.event().equals(delivery.event())) {
            findings.add(Finding.UNEXPECTED, "delivery " + delivery.id() + " arrived as another event");
        }
        List<Endpoint> here = logs.endpoints.values().stream()
                .filter(candidate -> candidate.path().equals(request.path()))
                .toList();
        if (here.isEmpty() || endpoint == null || !here.getFirst().id().equals(endpoint.id())) {
            findings.add(
                    Finding.UNEXPECTED,
                    "delivery " + delivery.id() + " of " + delivery.community() + " arrived at " + request.path());
        }
        if (!ALLOWED.contains(request.address())) {
            findings.add(
                    Finding.UNEXPECTED,
                    "delivery " + delivery.id() + " arrived at " + request.address() + ", where nobody may send to");
        }
    }
}
