package dev.posthorn.benchmarks.load;

import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;

/** When which event was queued, and when it arrived. Thread-safe. */
public final class Queued {
    private final Map<UUID, Times> events = new ConcurrentHashMap<>();
    private final Map<UUID, Long> arrivals = new ConcurrentHashMap<>();
    private long duplicates;

    private record Times(long scheduled, long committing) {}

    /**
     * An event was queued.
     *
     * @param scheduled when it was to be, in nanoseconds since 1970
     * @param committing when COMMIT was sent
     */
    void add(UUID event, long scheduled, long committing) {
        events.put(event, new Times(scheduled, committing));
    }

    /** A request has arrived; what was not queued here is passed over. */
    public synchronized void arrived(Arrival arrival) {
        if (events.containsKey(arrival.eventId())
                && arrivals.putIfAbsent(arrival.eventId(), arrival.epochNanos()) != null) {
            duplicates++;
        }
    }

    /** How many were queued. */
    public int size() {
        return events.size();
    }

    /** How many did not arrive. */
    public int lost() {
        return events.size() - arrivals.size();
    }

    /** How many arrived again. */
    public synchronized long duplicates() {
        return duplicates;
    }

    /** From the moment COMMIT was sent to arrival. */
    public Latencies sinceCommit() {
        return latencies(Times::committing);
    }

    /** From the moment an event was to be queued to arrival: what waited because the one before it was slow, is counted. */
    public Latencies sinceSchedule() {
        return latencies(Times::scheduled);
    }

    private Latencies latencies(ToLongFunction<Times> from) {
        return new Latencies(events.entrySet().stream()
                .filter(event -> arrivals.containsKey(event.getKey()))
                .mapToLong(event -> arrivals.getOrDefault(event.getKey(), 0L) - from.applyAsLong(event.getValue()))
                .toArray());
    }
}
