package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.NodeProcess;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.load.Queued;
import dev.posthorn.benchmarks.load.Writers;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** From COMMIT to the receiver: how long it takes, in an open loop, with a server as it is run. */
@Command(
        name = "latency",
        mixinStandardHelpOptions = true,
        description = {
            "Measures the time from the COMMIT of queue_webhook to the arrival of the request.",
            "The server is a process of its own. idle: one event a second. Under load, in an open loop: steady, 4 writers; writers, 16 of them;",
            "held, 16 writers whose transactions stay open 2 seconds after queueing."
        })
public final class LatencyScenario extends Scenario {
    private static final int FEW = 4;
    private static final int MANY = 16;

    @Option(names = "--rate", defaultValue = "1000", description = "events per second under load (${DEFAULT-VALUE})")
    private int rate;

    @Option(names = "--seconds", defaultValue = "20", description = "of each part under load (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--idle-seconds", defaultValue = "40", description = "of the idle part (${DEFAULT-VALUE})")
    private int idleSeconds;

    @Option(names = "--warm-up-seconds", defaultValue = "10", description = "before all (${DEFAULT-VALUE})")
    private int warmUpSeconds;

    @Option(names = "--rounds", defaultValue = "3", description = "(${DEFAULT-VALUE})")
    private int rounds;

    private interface Load {
        Queued queue(Writers writers) throws InterruptedException;
    }

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--rate", rate);
        atLeast(1, "--seconds", seconds);
        atLeast(1, "--idle-seconds", idleSeconds);
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(DrainScenario.ENDPOINTS, "/ok/");
        Duration loaded = Duration.ofSeconds(seconds);
        Figures figures = new Figures();
        try (NodeProcess server = stage.server("-Xmx512m")) {
            say("server with process id %d at %s", server.pid(), server.address());
            part(
                    stage,
                    tenant,
                    FEW,
                    new Figures(),
                    "warm_up",
                    writers -> writers.atRate(rate, Duration.ofSeconds(warmUpSeconds)));
            for (int round = 1; round <= rounds; round++) {
                part(stage, tenant, 1, figures, "idle", writers -> writers.atRate(1, Duration.ofSeconds(idleSeconds)));
                part(stage, tenant, FEW, figures, "steady", writers -> writers.atRate(rate, loaded));
                part(stage, tenant, MANY, figures, "writers", writers -> writers.atRate(rate, loaded));
                part(
                        stage,
                        tenant,
                        MANY,
                        figures,
                        "held",
                        writers -> writers.heldOpen(rate, Duration.ofSeconds(2), loaded));
            }
        }
        return figures;
    }

    private static void part(Stage stage, Stage.Tenant tenant, int count, Figures figures, String name, Load load)
            throws Exception {
        long before = stage.receiver().requests();
        Queued queued;
        try (Writers writers = stage.writers(count, tenant)) {
            queued = load.queue(writers);
        }
        stage.receiver().awaitRequests(before + queued.size(), Duration.ofMinutes(1));
        stage.receiver().arrivals(queued::arrived);
        figures.add(queued.sinceCommit().figures(name + "_"));
        figures.add(name + "_from_schedule_p99_ms", queued.sinceSchedule().percentile(99));
        figures.count("events", queued.size());
        figures.count("lost", queued.lost());
        figures.count("duplicates", queued.duplicates());
        say(
                "%-8s %6d events: p50 %.1f ms, p99 %.1f ms, max %.1f ms",
                name,
                queued.size(),
                queued.sinceCommit().percentile(50),
                queued.sinceCommit().percentile(99),
                queued.sinceCommit().percentile(100));
    }
}
