package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Whether what has ended, and what waits for its next attempt, slows down what is due now. */
@Command(
        name = "history",
        mixinStandardHelpOptions = true,
        description =
                "Drains on an empty database, with millions of ended deliveries, and with retries that wait besides.")
public final class HistoryScenario extends Scenario {
    private static final double HUNDRED_MILLION = 1e8;

    @Option(names = "--ended", defaultValue = "2000000", description = "deliveries that have ended (${DEFAULT-VALUE})")
    private int ended;

    @Option(
            names = "--waiting",
            defaultValue = "1000000",
            description = "retries that are due later (${DEFAULT-VALUE})")
    private int waiting;

    @Option(names = "--deliveries", defaultValue = "100000", description = "in one round (${DEFAULT-VALUE})")
    private int deliveries;

    @Option(names = "--rounds", defaultValue = "5", description = "of each (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--warm-ups", defaultValue = "2", description = "(${DEFAULT-VALUE})")
    private int warmUps;

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--ended", ended);
        atLeast(1, "--waiting", waiting);
        atLeast(1, "--deliveries", deliveries);
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(DrainScenario.ENDPOINTS, "/ok/");
        Stage.Tenant past = stage.tenant(DrainScenario.ENDPOINTS, "/ok/");
        DrainScenario.warmUp(stage, tenant, deliveries, warmUps);
        Figures figures = new Figures();
        rounds(stage, tenant, figures, "empty");
        History.ended(stage, past, ended);
        rounds(stage, tenant, figures, "ended");
        History.waiting(stage, past, waiting);
        rounds(stage, tenant, figures, "waiting");
        figures.ratio("ended_to_empty", "ended_deliveries_per_s", "empty_deliveries_per_s");
        figures.ratio("waiting_to_ended", "waiting_deliveries_per_s", "ended_deliveries_per_s");
        double empty = 1 / figures.median("empty_deliveries_per_s");
        double slope = (1 / figures.median("ended_deliveries_per_s") - empty) / ended;
        figures.add("us_more_per_delivery_and_million_ended", slope * 1e12);
        figures.add("ratio_at_100_million_extrapolated", empty / Math.max(empty, empty + slope * HUNDRED_MILLION));
        return figures;
    }

    private void rounds(Stage stage, Stage.Tenant tenant, Figures figures, String name) throws Exception {
        for (int round = 1; round <= rounds; round++) {
            say(
                    "%s, round %d: %.0f deliveries/s",
                    name, round, DrainScenario.round(stage, tenant, deliveries, figures, name + "_"));
        }
    }
}
