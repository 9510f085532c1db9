package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Settled;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.load.Queued;
import dev.posthorn.benchmarks.load.WallClock;
import dev.posthorn.benchmarks.load.Writers;
import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import dev.posthorn.delivery.engine.DeliveryEngine;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What healthy endpoints feel of a dead and of a slow one. */
@Command(
        name = "fairness",
        mixinStandardHelpOptions = true,
        description = {
            "Compares healthy endpoints alone with healthy ones beside a black hole and a slow one (100 ms).",
            "Their deliveries wait at the head of the queue. beside: the black hole is disabled after 10 time-outs, as it is by default; held: it",
            "never is."
        })
public final class FairnessScenario extends Scenario {
    @Option(names = "--healthy", defaultValue = "50", description = "endpoints (${DEFAULT-VALUE})")
    private int healthy;

    @Option(
            names = "--deliveries",
            defaultValue = "50000",
            description = "of the healthy ones that wait (${DEFAULT-VALUE})")
    private int deliveries;

    @Option(
            names = "--waiting",
            defaultValue = "100000",
            description = "deliveries for the black hole (${DEFAULT-VALUE})")
    private int waiting;

    @Option(names = "--slow-waiting", defaultValue = "20000", description = "for the slow one (${DEFAULT-VALUE})")
    private int slowWaiting;

    @Option(
            names = "--rate",
            defaultValue = "1000",
            description = "events per second when latency is measured (${DEFAULT-VALUE})")
    private int rate;

    @Option(names = "--seconds", defaultValue = "20", description = "of that (${DEFAULT-VALUE})")
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
        Stage.Tenant well = stage.tenant(healthy, "/ok/");
        DrainScenario.warmUp(stage, well, deliveries, warmUps);
        Figures figures = new Figures();
        for (int round = 1; round <= rounds; round++) {
            measure(stage, well, figures, "alone");
            beside(stage, well, figures, "beside");
            stage.database().asService("UPDATE posthorn.settings SET value = '0' WHERE name = 'auto_disable_after'");
            beside(stage, well, figures, "held");
            stage.database().asService("UPDATE posthorn.settings SET value = '10' WHERE name = 'auto_disable_after'");
        }
        for (String with : new String[] {"beside", "held"}) {
            figures.ratio(with + "_to_alone_throughput", with + "_deliveries_per_s", "alone_deliveries_per_s");
            figures.ratio(with + "_to_alone_p99", with + "_p99_ms", "alone_p99_ms");
        }
        return figures;
    }

    private void beside(Stage stage, Stage.Tenant well, Figures figures, String name) throws Exception {
        Stage.Tenant dead = stage.tenant(1, "/black-hole/");
        Stage.Tenant slow = stage.tenant(1, "/slow/");
        stage.queue(dead, waiting);
        stage.queue(slow, slowWaiting);
        measure(stage, well, figures, name);
        for (Stage.Tenant company : new Stage.Tenant[] {dead, slow}) {
            stage.database()
                    .execute("DELETE FROM posthorn.webhook_deliveries WHERE stage <> 'ended' AND community_id = "
                            + "posthorn.find_community('" + company.reference() + "')");
        }
        stage.database().execute("VACUUM posthorn.webhook_deliveries");
    }

    private void measure(Stage stage, Stage.Tenant well, Figures figures, String name) throws Exception {
        stage.queue(well, deliveries);
        stage.receiver().count();
        long logged = stage.receiver().requests();
        try (DeliveryEngine engine = stage.engine(new Settled())) {
            long started = WallClock.epochNanos();
            engine.start();
            stage.receiver().awaitRequests(logged + deliveries, Duration.ofMinutes(5));
            Set<UUID> drained = new HashSet<>();
            long[] last = new long[1];
            int[] requests = new int[1];
            stage.receiver().arrivals((Arrival arrival) -> {
                requests[0]++;
                drained.add(arrival.deliveryId());
                last[0] = Math.max(last[0], arrival.epochNanos());
            });
            double perSecond = deliveries / ((last[0] - started) / 1e9);
            Queued queued;
            try (Writers writers = stage.writers(4, well)) {
                queued = writers.atRate(rate, Duration.ofSeconds(seconds));
            }
            stage.receiver().awaitRequests(logged + requests[0] + queued.size(), Duration.ofMinutes(1));
            stage.receiver().arrivals(queued::arrived);
            figures.add(name + "_deliveries_per_s", perSecond);
            figures.add(queued.sinceCommit().figures(name + "_"));
            figures.count("lost", deliveries - drained.size() + queued.lost());
            figures.count("duplicates", requests[0] - drained.size() + queued.duplicates());
            say(
                    "%-6s %.0f healthy deliveries/s; at %d events/s p50 %.1f ms, p99 %.1f ms",
                    name,
                    perSecond,
                    rate,
                    queued.sinceCommit().percentile(50),
                    queued.sinceCommit().percentile(99));
        }
    }
}
