package dev.posthorn.benchmarks.receiver;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;

/** The receiver, running beside this program. Thread-safe. */
public final class ReceiverProcess implements AutoCloseable {
    private final Process process;
    private final int port;

    /**
     * A request that arrived.
     *
     * @param epochNanos wall clock of this machine
     */
    public record Arrival(UUID deliveryId, UUID eventId, long epochNanos) {}

    /**
     * How many requests arrived.
     *
     * @param requests all
     * @param deliveries different ones
     */
    public record Count(int requests, int deliveries) {
        /** Those that had arrived before. */
        public int duplicates() {
            return requests - deliveries;
        }
    }

    /** Starts it. */
    public ReceiverProcess() throws IOException {
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Receiver.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        port = Integer.parseInt(String.valueOf(process.inputReader().readLine()));
    }

    /** {@code http://127.0.0.1:<port><path>}. */
    public String url(String path) {
        return "http://127.0.0.1:" + port + path;
    }

    /** Its port on loopback. */
    public int port() {
        return port;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** Hands over what has arrived since the last time. */
    public void arrivals(Consumer<Arrival> each) throws IOException {
        byte[] log;
        try (var in = URI.create(url("/log")).toURL().openStream()) {
            log = in.readAllBytes();
        }
        DataInputStream data = new DataInputStream(new ByteArrayInputStream(log));
        for (int i = 0; i < log.length / (ReceiverLog.LONGS * Long.BYTES); i++) {
            each.accept(new Arrival(
                    new UUID(data.readLong(), data.readLong()),
                    new UUID(data.readLong(), data.readLong()),
                    data.readLong()));
        }
    }

    /** Counts what has arrived since the last time. */
    public Count count() throws IOException {
        Set<UUID> deliveries = new HashSet<>();
        int[] requests = new int[1];
        arrivals(arrival -> {
            requests[0]++;
            deliveries.add(arrival.deliveryId());
        });
        return new Count(requests[0], deliveries.size());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
