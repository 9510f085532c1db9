package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.scenarios.DrainScenario;
import dev.posthorn.benchmarks.scenarios.FairnessScenario;
import dev.posthorn.benchmarks.scenarios.HistoryScenario;
import dev.posthorn.benchmarks.scenarios.IngestScenario;
import dev.posthorn.benchmarks.scenarios.KeysScenario;
import dev.posthorn.benchmarks.scenarios.LatencyScenario;
import dev.posthorn.benchmarks.scenarios.MemoryScenario;
import dev.posthorn.benchmarks.scenarios.RetriesScenario;
import dev.posthorn.benchmarks.scenarios.SnapshotScenario;
import dev.posthorn.benchmarks.scenarios.StartScenario;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = {
            "Measures Posthorn end to end, with a receiver in a process of its own: on the embedded PostgreSQL in a new folder, or on the",
            "database that DATABASE_URL names, which must not hold the schema posthorn and does not afterwards.",
            "docs/performance.md says what each figure means."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:measured",
            "1:measured, and deliveries were lost",
            "2:the command line is wrong",
            "70:the run broke off"
        },
        subcommands = {
            DrainScenario.class,
            LatencyScenario.class,
            IngestScenario.class,
            FairnessScenario.class,
            SnapshotScenario.class,
            HistoryScenario.class,
            RetriesScenario.class,
            MemoryScenario.class,
            StartScenario.class,
            KeysScenario.class,
            DeadlinesCommand.class,
            JmhCommand.class
        })
final class BenchCommand {
    private static final Map<String, Supplier<Scenario>> ALL = all();

    private static Map<String, Supplier<Scenario>> all() {
        Map<String, Supplier<Scenario>> all = new LinkedHashMap<>();
        all.put("drain", DrainScenario::new);
        all.put("drain_tls", DrainScenario::new);
        all.put("latency", LatencyScenario::new);
        all.put("ingest", IngestScenario::new);
        all.put("fairness", FairnessScenario::new);
        all.put("snapshot", SnapshotScenario::new);
        all.put("history", HistoryScenario::new);
        all.put("retries", RetriesScenario::new);
        all.put("memory", MemoryScenario::new);
        all.put("start", StartScenario::new);
        all.put("keys", KeysScenario::new);
        return all;
    }

    @Command(
            name = "all",
            mixinStandardHelpOptions = true,
            description = "All scenarios with their defaults, one after the other; about half an hour.")
    int all(@Option(names = "--json", description = "the last line is one JSON object") boolean json) throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        long lost = 0;
        for (Map.Entry<String, Supplier<Scenario>> each : ALL.entrySet()) {
            Scenario scenario = each.getValue().get();
            // Gives the options their defaults.
            new CommandLine(scenario)
                    .parseArgs(each.getKey().equals("drain_tls") ? new String[] {"--tls"} : new String[0]);
            Figures figures = scenario.measure(result);
            lost += figures.total("lost");
            result.put(each.getKey(), figures.asMap());
        }
        return Scenario.end(result, json, lost);
    }
}
