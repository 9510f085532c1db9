package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.NodeProcess;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.Usage;
import dev.posthorn.benchmarks.load.RestWriters;
import dev.posthorn.benchmarks.load.Writers;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Events that are accepted a second, each acknowledged after its commit. */
@Command(
        name = "ingest",
        mixinStandardHelpOptions = true,
        description = {
            "Accepts events of 1 KB as fast as it goes, by SQL and by REST, one by one and in batches.",
            "Each has a delivery. The endpoint takes one a minute, so that acceptance alone is measured, unless --deliver is given."
        })
public final class IngestScenario extends Scenario {
    @Option(names = "--seconds", defaultValue = "10", description = "of each part (${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--rounds", defaultValue = "3", description = "that count, after one to warm up (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--sql-connections", defaultValue = "8", description = "(${DEFAULT-VALUE})")
    private int sqlConnections;

    @Option(names = "--rest-connections", defaultValue = "32", description = "for single events (${DEFAULT-VALUE})")
    private int restConnections;

    @Option(names = "--batch", defaultValue = "500", description = "events of a batch, at most 1000 (${DEFAULT-VALUE})")
    private int batch;

    @Option(names = "--batch-connections", defaultValue = "4", description = "(${DEFAULT-VALUE})")
    private int batchConnections;

    @Option(names = "--deliver", description = "with an endpoint that takes everything meanwhile")
    private boolean deliver;

    private interface Load {
        long accept(Duration duration) throws InterruptedException;
    }

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--seconds", seconds);
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(1, "/ok/");
        if (!deliver) {
            stage.set(tenant, "rate_limit = 1, rate_period = 'minute'");
        }
        Figures figures = new Figures();
        try (NodeProcess server = stage.server("-Xmx512m");
                Writers singles = stage.writers(sqlConnections, tenant);
                Writers batches = stage.writers(batchConnections, tenant)) {
            String key = server.firstKey().orElseThrow();
            RestWriters rest = new RestWriters(server.address(), key, tenant.reference(), batch);
            for (int round = 0; round <= rounds; round++) {
                Figures counted = round == 0 ? new Figures() : figures;
                part(stage, server, counted, "sql_single", singles::single);
                part(stage, server, counted, "sql_batch", duration -> batches.batches(batch, duration));
                part(stage, server, counted, "rest_single", duration -> rest.single(restConnections, duration));
                part(stage, server, counted, "rest_batch", duration -> rest.batches(batchConnections, duration));
            }
            figures.count("answered_503", rest.refused());
        }
        return figures;
    }

    private void part(Stage stage, NodeProcess server, Figures figures, String name, Load load) throws Exception {
        long storedBefore = stored(stage);
        Usage before = Usage.now(stage, server.pid());
        long acknowledged = load.accept(Duration.ofSeconds(seconds));
        Usage after = Usage.now(stage, server.pid());
        long stored = stored(stage) - storedBefore;
        double perSecond = acknowledged / after.secondsSince(before);
        figures.add(name + "_events_per_s", perSecond);
        after.since(before, acknowledged, "event").forEach((figure, value) -> figures.add(name + "_" + figure, value));
        figures.count("lost", Math.max(0, acknowledged - stored));
        figures.count("stored_but_not_acknowledged", Math.max(0, stored - acknowledged));
        say("%-11s %8.0f events/s", name, perSecond);
    }

    private static long stored(Stage stage) throws Exception {
        return Long.parseLong(stage.database().text("SELECT count(*) FROM posthorn.webhook_events"));
    }
}
