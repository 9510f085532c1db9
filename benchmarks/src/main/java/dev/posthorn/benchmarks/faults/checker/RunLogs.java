package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the logs of a run say, in memory; {@link LogFiles} tells what each field is. Times are microseconds since 1970. */
final class RunLogs {
    final Map<String, Endpoint> endpoints = new HashMap<>();
    final List<Transaction> transactions = new ArrayList<>();
    final Map<String, List<Request>> requests = new HashMap<>();
    final Map<String, String> communityOfEvent = new HashMap<>();
    final Map<String, Delivery> deliveries = new HashMap<>();
    final Map<String, List<Attempt>> attempts = new HashMap<>();
    final Map<String, List<Lease>> leases = new HashMap<>();
    final Map<String, String> processOfDispatcher = new HashMap<>();
    final Map<String, List<Switch>> switches = new HashMap<>();
    final List<String[]> invariants = new ArrayList<>();
    final List<Harm> harms = new ArrayList<>();
    final List<Held> held = new ArrayList<>();
    /** Every text once: an id stands in up to eight entries, and there are millions of them. */
    private final Map<String, String> texts = new HashMap<>();

    record Endpoint(
            String id,
            String community,
            String path,
            boolean ordered,
            boolean refused,
            long timeoutMicros,
            String secret) {}

    record Transaction(String outcome, long begun, long ended, String community, List<String> events) {
        boolean acknowledged() {
            return outcome.equals("acked");
        }
    }

    record Request(
            long at,
            String address,
            String path,
            String delivery,
            String event,
            String timestamp,
            String signature,
            String answer,
            long answeredAt,
            String body) {
        /** Whether it was answered by a 200 that came in time, which the sender had to take if nothing happened to it. */
        boolean answeredWell(Endpoint endpoint) {
            return (answer.equals("ok") || answer.equals("surplus")) && answeredAt - at < endpoint.timeoutMicros();
        }
    }

    record Delivery(String id, String event, String community, String endpoint, String status, int attempts) {}

    record Attempt(String number, String dispatcher, long recordedAt, String outcome, String errorClass) {}

    record Lease(String dispatcher, long at) {}

    record Switch(boolean disabled, long at) {}

    record Harm(String fault, String target, long from, long to) {
        boolean meets(long begin, long end) {
            return from <= end && begin <= to;
        }
    }

    record Held(String process, long diedAt, String delivery) {}

    RunLogs(LogFiles files) throws IOException {
        Journal.read(files.roster(), this::endpoint);
        Journal.read(files.producers(), this::transaction);
        Journal.read(files.receivers(), this::request);
        requests.values().forEach(list -> list.sort(Comparator.comparingLong(Request::at)));
        Journal.read(files.events(), f -> communityOfEvent.put(text(f[0]), text(f[1])));
        Journal.read(
                files.deliveries(),
                f -> deliveries.put(
                        text(f[0]),
                        new Delivery(
                                text(f[0]), text(f[1]), text(f[2]), text(f[3]), text(f[4]), Integer.parseInt(f[5]))));
        Journal.read(
                files.attempts(),
                f -> attempts.computeIfAbsent(text(f[0]), key -> new ArrayList<>(1))
                        .add(new Attempt(text(f[1]), text(f[2]), Long.parseLong(f[3]), text(f[4]), text(f[5]))));
        Journal.read(
                files.leases(),
                f -> leases.computeIfAbsent(text(f[0]), key -> new ArrayList<>(1))
                        .add(new Lease(text(f[1]), Long.parseLong(f[2]))));
        leases.values().forEach(list -> list.sort(Comparator.comparingLong(Lease::at)));
        Journal.read(files.dispatchers(), f -> processOfDispatcher.put(text(f[0]), text(f[1])));
        Journal.read(
                files.switches(),
                f -> switches.computeIfAbsent(text(f[0]), key -> new ArrayList<>())
                        .add(new Switch(f[1].equals("disabled"), Long.parseLong(f[2]))));
        switches.values().forEach(list -> list.sort(Comparator.comparingLong(Switch::at)));
        Journal.read(files.invariants(), invariants::add);
        Journal.read(files.nemesis(), this::nemesis);
        texts.clear();
    }

    private String text(String read) {
        return texts.computeIfAbsent(read, first -> first);
    }

    private void endpoint(String[] f) {
        endpoints.put(
                text(f[0]),
                new Endpoint(
                        text(f[0]),
                        text(f[1]),
                        text(f[2]),
                        f[3].equals("ordered"),
                        f[4].equals("refused"),
                        Long.parseLong(f[5]) * 1000,
                        f[6]));
    }

    private void transaction(String[] f) {
        List<String> events = f[4].isEmpty()
                ? List.of()
                : Arrays.stream(f[4].split(",", -1)).map(this::text).toList();
        transactions.add(new Transaction(text(f[0]), Long.parseLong(f[1]), Long.parseLong(f[2]), text(f[3]), events));
    }

    private void request(String[] f) {
        long at = Long.parseLong(f[0]);
        Request request = new Request(
                at,
                text(f[1]),
                text(f[2]),
                text(f[3]),
                text(f[4]),
                f[5],
                f[6],
                text(f[7]),
                at + Long.parseLong(f[8]) * 1000,
                f[9]);
        requests.computeIfAbsent(request.delivery(), key -> new ArrayList<>(1)).add(request);
    }

    private void nemesis(String[] f) {
        switch (f[0]) {
            case "fault" -> harms.add(new Harm(f[1], f[2], Long.parseLong(f[3]), Long.parseLong(f[4])));
            case "held" -> held.add(new Held(f[1], Long.parseLong(f[2]), f[3]));
            default -> throw new IllegalArgumentException("a line of the nemesis' log begins with " + f[0]);
        }
    }

    List<Request> requestsOf(String delivery) {
        return requests.getOrDefault(delivery, List.of());
    }

    /** Whether an endpoint was disabled at any time from one moment to another. */
    boolean wasDisabled(String endpoint, long from, long to) {
        boolean disabled = false;
        for (Switch turned : switches.getOrDefault(endpoint, List.of())) {
            if (turned.at() <= from) {
                disabled = turned.disabled();
            } else if (turned.at() <= to && turned.disabled()) {
                return true;
            }
        }
        return disabled;
    }

    List<Lease> leasesOf(String delivery) {
        return leases.getOrDefault(delivery, List.of());
    }
}
