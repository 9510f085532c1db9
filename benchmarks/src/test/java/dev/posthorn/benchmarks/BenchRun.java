package dev.posthorn.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code ./posthorn bench} in this process, and what it tells. */
final class BenchRun {
    private BenchRun() {}

    static void assertPositive(JsonNode told, List<String> figures) {
        assertThat(figures).allSatisfy(figure -> {
            assertThat(told.has(figure)).as(figure + " is told").isTrue();
            assertThat(told.get(figure).asDouble()).as(figure).isPositive();
        });
    }

    static void assertPositive(JsonNode told, String... figures) {
        assertPositive(told, List.of(figures));
    }

    static JsonNode bench(String arguments) {
        JsonNode told = lastLine(0, arguments);
        // Not told where nothing is delivered.
        assertThat(told.path("lost").asLong(0)).as("lost").isZero();
        assertThat(told.get("cores").asInt()).isPositive();
        return told;
    }

    static JsonNode lastLine(int exitCode, String arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertThat(Main.run(("bench " + arguments).split(" ", -1)))
                    .as(arguments)
                    .isEqualTo(exitCode);
        } finally {
            System.setOut(before);
        }
        List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
        return JsonMapper.builder().build().readTree(lines.getLast());
    }
}
