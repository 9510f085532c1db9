package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Delivery;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Transaction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Judges the endpoints that promise order: what was queued after another's acknowledgement arrives for the first time only when that one
 * was taken or given up. Transactions that overlapped have no order.
 */
final class OrderJudge {
    private final RunLogs logs;
    private final Findings findings;
    private int judged;

    private record Passage(String delivery, long begun, long acknowledged, long firstSeen, long done) {}

    OrderJudge(RunLogs logs, Findings findings) {
        this.logs = logs;
        this.findings = findings;
    }

    void judge() {
        Map<String, Transaction> transactionOfEvent = new HashMap<>();
        logs.transactions.forEach(
                transaction -> transaction.events().forEach(event -> transactionOfEvent.put(event, transaction)));
        Map<String, List<Passage>> passages = new HashMap<>();
        for (Delivery delivery : logs.deliveries.values()) {
            Endpoint endpoint = logs.endpoints.get(delivery.endpoint());
            Transaction transaction = transactionOfEvent.get(delivery.event());
            List<Request> requests = logs.requestsOf(delivery.id());
            if (endpoint == null || !endpoint.ordered() || transaction == null || requests.isEmpty()) {
                continue;
            }
            long done = requests.stream()
                    .filter(request -> request.answeredWell(endpoint))
                    .mapToLong(Request::at)
                    .findFirst()
                    .orElse(requests.getLast().at());
            passages.computeIfAbsent(endpoint.id(), key -> new ArrayList<>())
                    .add(new Passage(
                            delivery.id(),
                            transaction.begun(),
                            transaction.acknowledged() ? transaction.ended() : Long.MAX_VALUE,
                            requests.getFirst().at(),
                            done));
        }
        passages.values().forEach(this::judge);
    }

    int judged() {
        return judged;
    }

    private void judge(List<Passage> lane) {
        List<Passage> byAcknowledgement = new ArrayList<>(lane);
        byAcknowledgement.sort(Comparator.comparingLong(Passage::acknowledged));
        List<Passage> byBeginning = new ArrayList<>(lane);
        byBeginning.sort(Comparator.comparingLong(Passage::begun));
        Passage latest = null;
        int next = 0;
        for (Passage passage : byBeginning) {
            while (next < byAcknowledgement.size()
                    && byAcknowledgement.get(next).acknowledged() < passage.begun()) {
                Passage earlier = byAcknowledgement.get(next++);
                latest = latest == null || earlier.done() > latest.done() ? earlier : latest;
            }
            judged++;
            if (latest != null && latest.done() > passage.firstSeen()) {
                findings.add(
                        Finding.OUT_OF_ORDER,
                        "delivery " + passage.delivery() + " arrived before " + latest.delivery()
                                + " was done, which had been acknowledged before it was queued");
            }
        }
    }
}
