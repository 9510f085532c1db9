package dev.posthorn.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What was measured on.
 *
 * @param cores of the machine, shared by engine, database, receiver and whoever else runs
 * @param settings of PostgreSQL that decide what a commit is worth, such as {@code fsync on}
 */
record Machine(
        String processor, int cores, String memory, String system, String java, String postgres, String settings) {
    static Machine of(BenchDatabase database) throws SQLException {
        return new Machine(
                field("/proc/cpuinfo", "model name", System.getProperty("os.arch")),
                Runtime.getRuntime().availableProcessors(),
                field("/proc/meminfo", "MemTotal", "unknown"),
                System.getProperty("os.name") + " " + System.getProperty("os.version"),
                Runtime.version().toString(),
                database.version(),
                "fsync " + database.text("SHOW fsync") + ", synchronous_commit "
                        + database.text("SHOW synchronous_commit") + ", shared_buffers "
                        + database.text("SHOW shared_buffers"));
    }

    Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("processor", processor);
        map.put("cores", cores);
        map.put("memory", memory);
        map.put("system", system);
        map.put("java", java);
        map.put("postgres", postgres);
        map.put("postgres_settings", settings);
        return map;
    }

    @Override
    public String toString() {
        return cores + " cores (" + processor + "), " + memory + ", " + system + ", Java " + java + ", PostgreSQL "
                + postgres + " (" + settings + ")";
    }

    /** The first value of a field in a file of lines {@code name : value}. */
    private static String field(String file, String name, String otherwise) {
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.filter(line -> line.startsWith(name))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse(otherwise);
        } catch (IOException elsewhere) {
            return otherwise;
        }
    }
}
