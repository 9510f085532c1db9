package dev.posthorn.benchmarks;

import java.lang.management.ManagementFactory;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What had been used up at one moment: time, processors, WAL, statements.
 *
 * @param engineMicros processor time of this process, in which the engine runs
 * @param databaseMicros processor time of PostgreSQL; empty if it is elsewhere
 * @param statements of clients; empty if they are not counted
 */
record Usage(
        long nanos,
        long engineMicros,
        Optional<Long> databaseMicros,
        Optional<Long> receiverMicros,
        long walBytes,
        Optional<Long> statements) {
    static Usage now(Stage stage) throws SQLException {
        long engine = ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                        .getProcessCpuTime()
                / 1000;
        return new Usage(
                System.nanoTime(),
                engine,
                stage.database().cpuMicros(),
                ProcessCpu.micros(stage.receiver().pid()),
                stage.database().walBytes(),
                stage.database().statements());
    }

    /** What was used since an earlier moment, per delivery. */
    Map<String, Double> since(Usage earlier, int deliveries) {
        Map<String, Double> figures = new LinkedHashMap<>();
        double seconds = (nanos - earlier.nanos) / 1e9;
        figures.put("deliveries_per_s", deliveries / seconds);
        figures.put("engine_cpu_us_per_delivery", (double) (engineMicros - earlier.engineMicros) / deliveries);
        put(figures, "postgres_cpu_us_per_delivery", databaseMicros, earlier.databaseMicros, deliveries);
        put(figures, "receiver_cpu_us_per_delivery", receiverMicros, earlier.receiverMicros, deliveries);
        figures.put("wal_bytes_per_delivery", (double) (walBytes - earlier.walBytes) / deliveries);
        put(figures, "statements_per_delivery", statements, earlier.statements, deliveries);
        return figures;
    }

    private static void put(
            Map<String, Double> figures, String name, Optional<Long> now, Optional<Long> before, int deliveries) {
        if (now.isPresent() && before.isPresent()) {
            figures.put(name, (double) (now.get() - before.get()) / deliveries);
        }
    }
}
