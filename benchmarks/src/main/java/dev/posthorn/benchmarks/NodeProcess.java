package dev.posthorn.benchmarks;

import dev.posthorn.server.Main;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** {@code ./posthorn serve} in a process of its own, with everything that is not said at its default. Thread-safe. */
public final class NodeProcess implements AutoCloseable {
    private static final String KEY = "service key, shown only this once:";
    private static final String ADDRESS = "REST API:";

    private final Process process;
    private final URI address;
    private final Optional<String> firstKey;

    private NodeProcess(Process process, URI address, Optional<String> firstKey) {
        this.process = process;
        this.address = address;
        this.firstKey = firstKey;
    }

    static NodeProcess start(Map<String, String> settings, String... jvmOptions) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TrimNativeHeapInterval=30000",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(List.of(jvmOptions));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName(), "serve"));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().keySet().removeIf(name -> name.startsWith("POSTHORN_"));
        builder.environment().putAll(Map.of("POSTHORN_PORT", "0", "POSTHORN_LOG", "warn"));
        builder.environment().putAll(settings);
        Process process = builder.start();
        BufferedReader out = process.inputReader();
        Optional<String> firstKey = Optional.empty();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            if (line.startsWith(KEY)) {
                firstKey = Optional.of(line.substring(KEY.length()).strip());
            }
            if (line.startsWith(ADDRESS)) {
                URI api = URI.create(line.substring(ADDRESS.length()).strip());
                Thread.ofVirtual().name("read-server").start(() -> drain(out));
                return new NodeProcess(process, api, firstKey);
            }
        }
        process.destroyForcibly();
        throw new IOException("the server did not start; what it said is above");
    }

    private static void drain(BufferedReader out) {
        try {
            out.transferTo(Writer.nullWriter());
        } catch (IOException ended) {
            // With its process.
        }
    }

    /** Where its REST API is. */
    public URI address() {
        return address;
    }

    /** The service key that the first server of a database prints; empty at every later one. */
    public Optional<String> firstKey() {
        return firstKey;
    }

    /** Its process id. */
    public long pid() {
        return process.pid();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
