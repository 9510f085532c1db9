package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Delivery;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Lease;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import java.util.List;

/** Why an answer may not have counted: only for reasons that the nemesis' log or the receivers' knows. */
final class Explanations {
    private static final String ALL = "all";
    private static final String FREEZE = "freeze";
    private static final long SECOND = 1_000_000;
    /** A node has this long to record an answer after it was given. */
    private static final long RECORDING = 5_000_000;
    /** A frozen node may, in the moment of its thaw, still send what it had taken for its own. */
    private static final long THAW = 2_000_000;

    private final RunLogs logs;

    Explanations(RunLogs logs) {
        this.logs = logs;
    }

    /** Whether it can be understood that a request was answered well and its delivery was not done with it. */
    boolean mayNotHaveCounted(Delivery delivery, Request request) {
        if (request.answer().equals("surplus") || cameTooLate(delivery, request)) {
            return true;
        }
        List<Lease> before = logs.leasesOf(delivery.id()).stream()
                .filter(lease -> lease.at() <= request.at())
                .toList();
        if (before.isEmpty()) {
            // Its lease was forgotten in a crash.
            return harmed(ALL, request.at() - RECORDING, request.answeredAt() + RECORDING);
        }
        Lease lease = before.getLast();
        long until = request.answeredAt() + RECORDING;
        return harmed(ALL, lease.at(), until)
                || harmed(process(lease), lease.at(), until)
                || before.stream().anyMatch(older -> thawed(process(older), request.at()));
    }

    /**
     * Whether a request lay on its way, or before its receiver, for so long after it was signed that its sender may have given it up, as the
     * sender's own record says too: on a machine that has too much to do a receiver reads what it got seconds before. A signature tells
     * whole seconds only.
     */
    private boolean cameTooLate(Delivery delivery, Request request) {
        Endpoint endpoint = logs.endpoints.get(delivery.endpoint());
        if (endpoint == null || !request.timestamp().matches("[0-9]{1,12}")) {
            return false;
        }
        long deadline = Long.parseLong(request.timestamp()) * SECOND + endpoint.timeoutMicros();
        return request.answeredAt() >= deadline
                && logs.attempts.getOrDefault(delivery.id(), List.of()).stream()
                        .anyMatch(attempt -> attempt.errorClass().equals("timeout")
                                && attempt.recordedAt() >= deadline
                                && attempt.recordedAt() <= deadline + SECOND + RECORDING);
    }

    /** Whether a request may have come from a node that stood still with it in its hands, and did not know yet that it had lost its lease. */
    boolean cameFromAThaw(Delivery delivery, Request request) {
        List<Lease> before = logs.leasesOf(delivery.id()).stream()
                .filter(lease -> lease.at() <= request.at())
                .toList();
        return before.stream()
                .limit(Math.max(0, before.size() - 1))
                .map(this::process)
                .anyMatch(process -> logs.harms.stream()
                        .anyMatch(harm -> harm.fault().startsWith(FREEZE)
                                && harm.target().equals(process)
                                && harm.to() <= request.at()
                                && request.at() - harm.to() < THAW));
    }

    private String process(Lease lease) {
        return logs.processOfDispatcher.getOrDefault(lease.dispatcher(), "unknown");
    }

    private boolean harmed(String target, long begin, long end) {
        return logs.harms.stream().anyMatch(harm -> harm.target().equals(target) && harm.meets(begin, end));
    }

    private boolean thawed(String process, long at) {
        return logs.harms.stream()
                .anyMatch(
                        harm -> (harm.target().equals(process) || harm.target().equals(ALL))
                                && harm.to() <= at
                                && at - harm.to() < THAW);
    }
}
