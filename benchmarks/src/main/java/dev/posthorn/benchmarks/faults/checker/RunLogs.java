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
    final List<String[]> invariants;
    final List<Harm> harms = new ArrayList<>();
    final List<Held> held = new ArrayList<>();

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

    record Harm(String fault, String target, long from, long to) {
        boolean meets(long begin, long end) {
            return from <= end && begin <= to;
        }
    }

    record Held(String process, long diedAt, String delivery) {}

    RunLogs(LogFiles files) throws IOException {
        for (String[] f : Journal.read(files.roster())) {
            endpoints.put(
                    f[0],
                    new Endpoint(
                            f[0],
                            f[1],
                            f[2],
                            f[3].equals("ordered"),
                            f[4].equals("refused"),
                            Long.parseLong(f[5]) * 1000,
                            f[6]));
        }
        for (String[] f : Journal.read(files.producers())) {
            List<String> events = f[4].isEmpty() ? List.of() : Arrays.asList(f[4].split(",", -1));
            transactions.add(new Transaction(f[0], Long.parseLong(f[1]), Long.parseLong(f[2]), f[3], events));
        }
        for (String[] f : Journal.read(files.receivers())) {
            long at = Long.parseLong(f[0]);
            Request request =
                    new Request(at, f[1], f[2], f[3], f[4], f[5], f[6], f[7], at + Long.parseLong(f[8]) * 1000, f[9]);
            requests.computeIfAbsent(request.delivery(), key -> new ArrayList<>())
                    .add(request);
        }
        requests.values().forEach(list -> list.sort(Comparator.comparingLong(Request::at)));
        for (String[] f : Journal.read(files.events())) {
            communityOfEvent.put(f[0], f[1]);
        }
        for (String[] f : Journal.read(files.deliveries())) {
            deliveries.put(f[0], new Delivery(f[0], f[1], f[2], f[3], f[4], Integer.parseInt(f[5])));
        }
        for (String[] f : Journal.read(files.attempts())) {
            attempts.computeIfAbsent(f[0], key -> new ArrayList<>())
                    .add(new Attempt(f[1], f[2], Long.parseLong(f[3]), f[4], f[5]));
        }
        for (String[] f : Journal.read(files.leases())) {
            leases.computeIfAbsent(f[0], key -> new ArrayList<>()).add(new Lease(f[1], Long.parseLong(f[2])));
        }
        leases.values().forEach(list -> list.sort(Comparator.comparingLong(Lease::at)));
        for (String[] f : Journal.read(files.dispatchers())) {
            processOfDispatcher.put(f[0], f[1]);
        }
        invariants = Journal.read(files.invariants());
        for (String[] f : Journal.read(files.nemesis())) {
            switch (f[0]) {
                case "fault" -> harms.add(new Harm(f[1], f[2], Long.parseLong(f[3]), Long.parseLong(f[4])));
                case "held" -> held.add(new Held(f[1], Long.parseLong(f[2]), f[3]));
                default -> throw new IOException("a line of the nemesis' log begins with " + f[0]);
            }
        }
    }

    List<Request> requestsOf(String delivery) {
        return requests.getOrDefault(delivery, List.of());
    }

    List<Lease> leasesOf(String delivery) {
        return leases.getOrDefault(delivery, List.of());
    }
}
