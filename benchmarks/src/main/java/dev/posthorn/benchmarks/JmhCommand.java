package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.micro.SigningBenchmark;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "jmh",
        mixinStandardHelpOptions = true,
        description = "Measures single steps in nanoseconds with JMH: signing, the address policy, API keys.")
final class JmhCommand implements Callable<Integer> {
    @Parameters(
            arity = "0..1",
            defaultValue = "",
            paramLabel = "PATTERN",
            description = "only benchmarks whose name holds it")
    private String pattern = "";

    @Option(names = "--forks", defaultValue = "2", description = "JVMs of each benchmark (${DEFAULT-VALUE})")
    private int forks;

    @Option(
            names = "--iterations",
            defaultValue = "5",
            description = "in each JVM, and as many before (${DEFAULT-VALUE})")
    private int iterations;

    @Option(names = "--millis", defaultValue = "1000", description = "of one iteration (${DEFAULT-VALUE})")
    private int millis;

    @Option(names = "--json", description = "the last line is one JSON object: nanoseconds per operation")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        String benchmarks = SigningBenchmark.class.getPackageName().replace(".", "\\.") + "\\..*"
                + java.util.regex.Pattern.quote(pattern) + ".*";
        Options options = new OptionsBuilder()
                .include(benchmarks)
                .forks(forks)
                .warmupIterations(iterations)
                .warmupTime(TimeValue.milliseconds(millis))
                .measurementIterations(iterations)
                .measurementTime(TimeValue.milliseconds(millis))
                .shouldFailOnError(true)
                .build();
        Map<String, Double> nanos = new LinkedHashMap<>();
        for (RunResult result : new Runner(options).run()) {
            String name = result.getParams().getBenchmark();
            String parameters = String.join(
                    ",",
                    result.getParams().getParamsKeys().stream()
                            .map(key -> key + "=" + result.getParams().getParam(key))
                            .toList());
            nanos.put(
                    name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1)
                            + (parameters.isEmpty() ? "" : "(" + parameters + ")"),
                    result.getPrimaryResult().getScore());
        }
        if (nanos.isEmpty()) {
            System.err.println("posthorn: no benchmark's name holds " + pattern);
            return 2;
        }
        if (json) {
            System.out.println(JsonMapper.builder().build().writeValueAsString(nanos));
        }
        return 0;
    }
}
