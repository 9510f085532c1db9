package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.receiver.DistinctDeliveries;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Whether somebody's forgotten transaction slows the queue down. */
@Command(
        name = "snapshot",
        mixinStandardHelpOptions = true,
        description = {
            "Delivers from a queue that is kept filled, without and with a transaction that holds a snapshot open all the time.",
            "Because of it PostgreSQL cannot clear away the dead rows of the queue."
        })
public final class SnapshotScenario extends Scenario {
    @Option(names = "--seconds", defaultValue = "60", description = "of one round (${DEFAULT-VALUE})")
    private int seconds;

    @Option(
            names = "--part-seconds",
            defaultValue = "5",
            description = "after which throughput is taken (${DEFAULT-VALUE})")
    private int partSeconds;

    @Option(names = "--rounds", defaultValue = "2", description = "(${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--deliveries", defaultValue = "100000", description = "of a round to warm up (${DEFAULT-VALUE})")
    private int deliveries;

    @Option(names = "--warm-ups", defaultValue = "2", description = "(${DEFAULT-VALUE})")
    private int warmUps;

    @Option(names = "--ordered", description = "each endpoint gets one delivery after the other")
    private boolean ordered;

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--part-seconds", partSeconds);
        atLeast(partSeconds, "--seconds", seconds);
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(DrainScenario.ENDPOINTS, "/ok/");
        if (ordered) {
            stage.set(tenant, "ordering = 'endpoint'");
        }
        DrainScenario.warmUp(stage, tenant, deliveries, warmUps);
        Figures figures = new Figures();
        for (int round = 1; round <= rounds; round++) {
            measure(stage, tenant, figures, "without");
            try (Connection holder = stage.database().connect();
                    Statement statement = holder.createStatement()) {
                holder.setAutoCommit(false);
                holder.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                statement.execute("SELECT count(*) FROM pg_class");
                measure(stage, tenant, figures, "held");
            }
            // So that the next round begins as the first did.
            stage.database().execute("VACUUM posthorn.webhook_deliveries");
        }
        figures.ratio("held_to_without", "held_deliveries_per_s", "without_deliveries_per_s");
        figures.ratio(
                "held_to_without_at_the_end",
                "held_deliveries_per_s_at_the_end",
                "without_deliveries_per_s_at_the_end");
        return figures;
    }

    private void measure(Stage stage, Stage.Tenant tenant, Figures figures, String name) throws Exception {
        DistinctDeliveries arrived = new DistinctDeliveries();
        SustainedLoad.Result result =
                SustainedLoad.run(stage, tenant, seconds / partSeconds, Duration.ofSeconds(partSeconds), arrived::add);
        figures.add(name + "_deliveries_per_s", result.mean());
        figures.add(name + "_deliveries_per_s_at_the_end", result.end());
        figures.over(name + "_deliveries_per_s_over_time", result.perSecond());
        figures.count("lost", result.queued() - arrived.count());
        figures.count("duplicates", arrived.requests() - arrived.count());
        say(
                "%-7s %.0f deliveries/s, by %d seconds: %s",
                name,
                result.mean(),
                partSeconds,
                Arrays.toString(
                        Arrays.stream(result.perSecond()).mapToLong(Math::round).toArray()));
    }
}
