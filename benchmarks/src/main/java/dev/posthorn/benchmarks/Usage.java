package dev.posthorn.benchmarks;

import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What had been used up at one moment: time, processors, WAL, statements.
 *
 * @param nanos of {@link System#nanoTime()}
 * @param engineMicros processor time of the process in which the engine runs
 * @param databaseMicros processor time of PostgreSQL; empty if it is elsewhere
 * @param receiverMicros processor time of the receiver
 * @param statements of clients; empty if they are not counted
 */
public record Usage(
        long nanos,
        Optional<Long> engineMicros,
        Optional<Long> databaseMicros,
        Optional<Long> receiverMicros,
        long walBytes,
        Optional<Long> statements) {
    /** Now, with the engine in this process. */
    public static Usage now(Stage stage) throws SQLException {
        return now(stage, ProcessHandle.current().pid());
    }

    /** Now, with the engine in another process. */
    public static Usage now(Stage stage, long enginePid) throws SQLException {
        return new Usage(
                System.nanoTime(),
                ProcessCpu.micros(enginePid),
                stage.database().cpuMicros(),
                ProcessCpu.micros(stage.receiver().pid()),
                stage.database().walBytes(),
                stage.database().statements());
    }

    /** Seconds since an earlier moment. */
    public double secondsSince(Usage earlier) {
        return (nanos - earlier.nanos) / 1e9;
    }

    /**
     * What was used since an earlier moment, per piece of work.
     *
     * @param pieces how many were done meanwhile
     * @param piece its name, with which the names of the figures end
     */
    public Map<String, Double> since(Usage earlier, long pieces, String piece) {
        Map<String, Double> figures = new LinkedHashMap<>();
        Optional<Long> engine = since(engineMicros, earlier.engineMicros);
        Optional<Long> database = since(databaseMicros, earlier.databaseMicros);
        put(figures, "engine_cpu_us_per_" + piece, engine, pieces);
        put(figures, "postgres_cpu_us_per_" + piece, database, pieces);
        put(figures, "cpu_us_per_" + piece, engine.flatMap(micros -> database.map(more -> micros + more)), pieces);
        put(figures, "receiver_cpu_us_per_" + piece, since(receiverMicros, earlier.receiverMicros), pieces);
        put(figures, "wal_bytes_per_" + piece, Optional.of(walBytes - earlier.walBytes), pieces);
        put(figures, "statements_per_" + piece, since(statements, earlier.statements), pieces);
        return figures;
    }

    private static Optional<Long> since(Optional<Long> now, Optional<Long> before) {
        return now.flatMap(later -> before.map(earlier -> later - earlier));
    }

    private static void put(Map<String, Double> figures, String name, Optional<Long> used, long pieces) {
        used.ifPresent(amount -> figures.put(name, (double) amount / pieces));
    }
}
