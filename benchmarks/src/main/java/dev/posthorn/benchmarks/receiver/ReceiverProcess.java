package dev.posthorn.benchmarks.receiver;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import javax.net.ssl.HttpsURLConnection;
import org.jspecify.annotations.Nullable;

/** The receiver, running beside this program. Thread-safe. */
public final class ReceiverProcess implements AutoCloseable {
    private final Process process;
    private final int port;
    private final @Nullable Certificate certificate;

    /**
     * A request that arrived.
     *
     * @param epochNanos wall clock of this machine
     * @param status what it was answered
     */
    public record Arrival(UUID deliveryId, UUID eventId, long epochNanos, int status) {}

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

    /** Starts it, for plain HTTP. */
    public ReceiverProcess() throws IOException {
        this(null);
    }

    /** Starts it, for TLS if there is a certificate. */
    public ReceiverProcess(@Nullable Certificate certificate) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"),
                Receiver.class.getName()));
        if (certificate != null) {
            command.add(certificate.file().toString());
            command.add(Certificate.PASSWORD);
        }
        this.certificate = certificate;
        process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        port = Integer.parseInt(String.valueOf(process.inputReader().readLine()));
    }

    /** {@code http://127.0.0.1:<port><path>}, or {@code https}. */
    public String url(String path) {
        return (certificate == null ? "http" : "https") + "://127.0.0.1:" + port + path;
    }

    /** Its port on loopback. */
    public int port() {
        return port;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    /** How many requests were logged since its start. */
    public long requests() throws IOException {
        return Long.parseLong(new String(read("/count"), StandardCharsets.US_ASCII));
    }

    /** Waits until so many requests were logged since its start. */
    public void awaitRequests(long requests, Duration atMost) throws IOException, TimeoutException {
        long end = System.nanoTime() + atMost.toNanos();
        for (long now = requests(); now < requests; now = requests()) {
            if (System.nanoTime() > end) {
                throw new TimeoutException(now + " of " + requests + " requests arrived after " + atMost);
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    private byte[] read(String path) throws IOException {
        URLConnection connection = URI.create(url(path)).toURL().openConnection();
        if (connection instanceof HttpsURLConnection secure && certificate != null) {
            secure.setSSLSocketFactory(certificate.trusting().getSocketFactory());
        }
        try (var in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }

    /** Hands over what has arrived since the last time. */
    public void arrivals(Consumer<Arrival> each) throws IOException {
        byte[] log = read("/log");
        DataInputStream data = new DataInputStream(new ByteArrayInputStream(log));
        for (int i = 0; i < log.length / (ReceiverLog.LONGS * Long.BYTES); i++) {
            each.accept(new Arrival(
                    new UUID(data.readLong(), data.readLong()),
                    new UUID(data.readLong(), data.readLong()),
                    data.readLong(),
                    (int) data.readLong()));
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
