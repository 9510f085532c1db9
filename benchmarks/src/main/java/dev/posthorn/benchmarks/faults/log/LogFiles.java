package dev.posthorn.benchmarks.faults.log;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Where the logs of a run are, and the fields of each; times are microseconds since 1970.
 *
 * @param folder of the run
 */
public record LogFiles(Path folder) {
    /** Endpoints: id, community, path of the URL, {@code ordered} or {@code free}, {@code allowed} or {@code refused}, timeout in milliseconds, secret. */
    public Path roster() {
        return folder.resolve("roster.tsv");
    }

    /** Transactions of producers: {@code acked}, {@code doubtful} or {@code undone}, begun, ended, community, ids of the events joined by commas. */
    public Path producers() {
        return folder.resolve("producers.tsv");
    }

    /** Requests: time, local address, path, delivery, event, timestamp, signature, answer, milliseconds until it is given, body. */
    public Path receivers() {
        return folder.resolve("receivers.tsv");
    }

    /** What the nemesis did: {@code fault}, name, target, begun, ended; or {@code held}, process, time of its death, delivery. */
    public Path nemesis() {
        return folder.resolve("nemesis.tsv");
    }

    /** From the database: event, community. */
    public Path events() {
        return folder.resolve("database-events.tsv");
    }

    /** From the database: delivery, event, community, endpoint, status, attempts. */
    public Path deliveries() {
        return folder.resolve("database-deliveries.tsv");
    }

    /** From the database: delivery, number, dispatcher, recorded at, outcome, error class. */
    public Path attempts() {
        return folder.resolve("database-attempts.tsv");
    }

    /** From the database: delivery, dispatcher, time. */
    public Path leases() {
        return folder.resolve("database-leases.tsv");
    }

    /** From the database: dispatcher, process. */
    public Path dispatchers() {
        return folder.resolve("database-dispatchers.tsv");
    }

    /** From the database: endpoint, {@code disabled} or {@code enabled}, time. */
    public Path switches() {
        return folder.resolve("database-switches.tsv");
    }

    /** From the database, for who reads: silences of nodes: process, last heard, end, {@code beat}, {@code cut} or {@code gone}. */
    public Path silences() {
        return folder.resolve("database-silences.tsv");
    }

    /** What a node printed, over all its starts. */
    public Path node(int number) {
        return folder.resolve("node-" + number + ".log");
    }

    /** From the database: what check_invariants() found: delivery or event, problem. */
    public Path invariants() {
        return folder.resolve("database-invariants.tsv");
    }

    /** How much there is of all of them. */
    public long bytes() throws IOException {
        try (Stream<Path> logs = Files.list(folder)) {
            return logs.mapToLong(log -> log.toFile().length()).sum();
        }
    }

    /** What the checker found, as properties. */
    public Path verdict() {
        return folder.resolve("verdict.properties");
    }
}
