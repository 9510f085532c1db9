package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Settled;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.Usage;
import dev.posthorn.benchmarks.load.Latencies;
import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import dev.posthorn.delivery.engine.DeliveryEngine;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Deliveries that fail first: what they cost, and whether they get their turn. */
@Command(
        name = "retries",
        mixinStandardHelpOptions = true,
        description = {
            "Delivers where each fifth delivery is answered 500 at its first attempt and is due again a second later.",
            "drain: what waited, all delivered in the end. constant: how long retries take while the queue is kept filled."
        })
public final class RetriesScenario extends Scenario {
    @Option(names = "--deliveries", defaultValue = "100000", description = "of a round of drain (${DEFAULT-VALUE})")
    private int deliveries;

    @Option(names = "--seconds", defaultValue = "20", description = "of a round of constant load (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--rounds", defaultValue = "3", description = "(${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--warm-ups", defaultValue = "2", description = "(${DEFAULT-VALUE})")
    private int warmUps;

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--deliveries", deliveries);
        atLeast(1, "--seconds", seconds);
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(DrainScenario.ENDPOINTS, "/fail-fifth/");
        stage.set(tenant, "retry_schedule = ARRAY[interval '1 second']");
        Figures figures = new Figures();
        for (int round = 1 - warmUps; round <= rounds; round++) {
            drain(stage, tenant, round < 1 ? new Figures() : figures);
        }
        for (int round = 1; round <= rounds; round++) {
            Attempts attempts = new Attempts();
            SustainedLoad.Result result =
                    SustainedLoad.run(stage, tenant, seconds, Duration.ofSeconds(1), attempts::add);
            attempts.count(figures, result.queued());
            figures.add("constant_deliveries_per_s", result.mean());
            figures.add(attempts.delays().figures("constant_retry_after_"));
            say(
                    "constant: %.0f deliveries/s, %d retried after p50 %.0f ms, p99 %.0f ms, max %.0f ms",
                    result.mean(),
                    attempts.failed.size(),
                    attempts.delays().percentile(50),
                    attempts.delays().percentile(99),
                    attempts.delays().percentile(100));
        }
        return figures;
    }

    private void drain(Stage stage, Stage.Tenant tenant, Figures figures) throws Exception {
        stage.queue(tenant, deliveries);
        Settled settled = new Settled();
        Usage before;
        Usage after;
        try (DeliveryEngine engine = stage.engine(settled)) {
            before = Usage.now(stage);
            engine.start();
            settled.await(deliveries, Duration.ofMinutes(10));
            stage.database().flush();
            after = Usage.now(stage);
        }
        Attempts attempts = new Attempts();
        stage.receiver().arrivals(attempts::add);
        attempts.count(figures, deliveries);
        double perSecond = deliveries / after.secondsSince(before);
        figures.add("drain_deliveries_per_s", perSecond);
        after.since(before, deliveries, "delivery").forEach((name, value) -> figures.add("drain_" + name, value));
        figures.add(attempts.delays().figures("drain_retry_after_"));
        say("drain: %.0f deliveries/s, %d of %d retried", perSecond, attempts.failed.size(), deliveries);
    }

    /** When each delivery arrived and was answered 500, and when 200. */
    private static final class Attempts {
        private final Map<UUID, Long> failed = new HashMap<>();
        private final Map<UUID, Long> delivered = new HashMap<>();
        private long duplicates;

        void add(Arrival arrival) {
            Map<UUID, Long> kind = arrival.status() == 200 ? delivered : failed;
            if (kind.putIfAbsent(arrival.deliveryId(), arrival.epochNanos()) != null) {
                duplicates++;
            }
        }

        void count(Figures figures, long expected) {
            figures.count("retried", failed.size());
            figures.count("lost", expected - delivered.size());
            figures.count("duplicates", duplicates);
        }

        /** From the arrival that was answered 500 to the one that was answered 200. */
        Latencies delays() {
            return new Latencies(failed.entrySet().stream()
                    .filter(first -> delivered.containsKey(first.getKey()))
                    .mapToLong(first -> delivered.getOrDefault(first.getKey(), 0L) - first.getValue())
                    .toArray());
        }
    }
}
