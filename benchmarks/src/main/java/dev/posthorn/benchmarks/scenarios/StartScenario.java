package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.NodeProcess;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.load.WallClock;
import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How soon a server that is started does its work. */
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description =
                "Measures the time from the start of the process of a server, on a migrated database, to the arrival of a delivery that waited for it.")
public final class StartScenario extends Scenario {
    @Option(names = "--rounds", defaultValue = "5", description = "(${DEFAULT-VALUE})")
    private int rounds;

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(1, "/ok/");
        Figures figures = new Figures();
        for (int round = 1; round <= rounds; round++) {
            stage.queue(tenant, 1);
            long logged = stage.receiver().requests();
            long started = WallClock.epochNanos();
            try (NodeProcess server = stage.server("-Xmx512m")) {
                double serving = (WallClock.epochNanos() - started) / 1e9;
                stage.receiver().awaitRequests(logged + 1, Duration.ofMinutes(1));
                stage.receiver().arrivals((Arrival arrival) -> {
                    double delivered = (arrival.epochNanos() - started) / 1e9;
                    figures.add("first_delivery_s", delivered);
                    say("first delivery by process %d after %.2f s", server.pid(), delivered);
                });
                figures.add("serving_s", serving);
            }
            figures.count("lost", 1 - (stage.receiver().requests() - logged));
        }
        return figures;
    }
}
