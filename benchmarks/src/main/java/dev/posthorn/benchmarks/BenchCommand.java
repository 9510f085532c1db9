package dev.posthorn.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = {
            "Measures Posthorn end to end: on the embedded PostgreSQL in a new folder, or on an empty database that DATABASE_URL names,",
            "with a receiver in a process of its own. Scenarios: ${COMPLETION-CANDIDATES}."
        })
final class BenchCommand implements Callable<Integer> {
    @Parameters(arity = "1", paramLabel = "SCENARIO", description = "${COMPLETION-CANDIDATES}")
    private Name name = Name.drain;

    @Option(names = "--deliveries", defaultValue = "100000", description = "in one round (${DEFAULT-VALUE})")
    private int deliveries;

    @Option(names = "--rounds", defaultValue = "5", description = "that count (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--warm-ups", defaultValue = "2", description = "rounds before them (${DEFAULT-VALUE})")
    private int warmUps;

    @Option(names = "--json", description = "the last line is one JSON object with the medians")
    private boolean json;

    private enum Name {
        drain,
        all
    }

    @Override
    public Integer call() throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        for (Name each : name == Name.all ? scenarios() : List.of(name)) {
            try (Stage stage = Stage.open()) {
                result.putIfAbsent("postgres", stage.database().version());
                result.putIfAbsent("java", Runtime.version().toString());
                result.putIfAbsent("cores", Runtime.getRuntime().availableProcessors());
                System.out.println(each + " on PostgreSQL " + stage.database().version() + ", Java "
                        + Runtime.version().feature() + ", "
                        + Runtime.getRuntime().availableProcessors() + " cores, " + cpuName());
                Map<String, Double> figures =
                        scenario(each).run(stage, new Scenario.Effort(deliveries, rounds, warmUps));
                if (name == Name.all) {
                    result.put(each.name(), figures);
                } else {
                    result.putAll(figures);
                }
            }
        }
        if (json) {
            System.out.println(JsonMapper.builder().build().writeValueAsString(result));
        }
        return 0;
    }

    private static List<Name> scenarios() {
        List<Name> names = new ArrayList<>(List.of(Name.values()));
        names.remove(Name.all);
        return names;
    }

    private static Scenario scenario(Name name) {
        return switch (name) {
            case drain -> new DrainScenario();
            case all -> throw new IllegalArgumentException("all is several");
        };
    }

    private static String cpuName() {
        try (var lines = java.nio.file.Files.lines(java.nio.file.Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse("unknown processor");
        } catch (java.io.IOException e) {
            return System.getProperty("os.arch");
        }
    }
}
