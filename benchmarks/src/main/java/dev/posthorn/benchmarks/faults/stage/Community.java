package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.receiver.Behaviour;
import java.util.List;

/**
 * A tenant of a run, and what its producer does.
 *
 * @param name its external id
 * @param endpoints each of which takes all its events
 * @param perSecond transactions a second; 0 for as fast as it goes
 * @param eventsEach most events of one transaction
 * @param most events after which the producer ends by itself
 * @param rest whether by REST, with an idempotency key and repeated until it is acknowledged, or by SQL
 */
public record Community(
        String name, List<Behaviour> endpoints, int perSecond, int eventsEach, long most, boolean rest) {
    /** By SQL, without end. */
    public static Community bySql(String name, int perSecond, int eventsEach, Behaviour... endpoints) {
        return new Community(name, List.of(endpoints), perSecond, eventsEach, Long.MAX_VALUE, false);
    }

    /** By REST, without end. */
    public static Community byRest(String name, int perSecond, int eventsEach, Behaviour... endpoints) {
        return new Community(name, List.of(endpoints), perSecond, eventsEach, Long.MAX_VALUE, true);
    }

    /** Events a second that its producer queues while nothing is in its way. */
    public double eventsPerSecond() {
        return perSecond * (1 + eventsEach) / 2.0;
    }
}
