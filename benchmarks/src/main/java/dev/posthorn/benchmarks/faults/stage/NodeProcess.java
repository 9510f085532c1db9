package dev.posthorn.benchmarks.faults.stage;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One node: the server's own main program, as {@code ./posthorn serve} runs it, started as often as it is killed. Thread-safe. */
public final class NodeProcess implements AutoCloseable {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

    private final String name;
    private final String classPath;
    private final Map<String, String> environment;
    private final Path log;
    private volatile @Nullable Running running;

    private record Running(
            Process process,
            @Nullable URI address,
            @Nullable String serviceKey) {}

    /**
     * @param classPath of its version of the server
     * @param log to which it is appended what it prints
     */
    NodeProcess(String name, String classPath, Map<String, String> environment, Path log) {
        this.name = name;
        this.classPath = classPath;
        this.environment = Map.copyOf(environment);
        this.log = log;
    }

    /** What it is called in the output. */
    public String name() {
        return name;
    }

    /** Starts it, if it does not run, and waits until it says that it is ready. Tries again while the database is away. */
    public synchronized void start() throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(90);
        while (!isAlive()) {
            Optional<Running> started = tryToStart();
            if (started.isPresent()) {
                running = started.get();
            } else if (System.nanoTime() > end) {
                throw new IOException(name + " did not start within 90 seconds");
            }
        }
    }

    private Optional<Running> tryToStart() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx192m",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classPath,
                        "dev.posthorn.server.Main",
                        "serve",
                        "--port",
                        "0")
                .redirectErrorStream(true);
        builder.environment().keySet().removeIf(key -> key.startsWith("POSTHORN_") || key.equals("DATABASE_URL"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        BufferedReader output = process.inputReader();
        BufferedWriter copy = Files.newBufferedWriter(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        copy.write("--- process " + process.pid() + "\n");
        List<String> said = new ArrayList<>();
        URI address = null;
        String key = null;
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            said.add(line);
            copy.write(line + "\n");
            if (line.startsWith("REST API:")) {
                address = URI.create(line.substring(line.indexOf("http"), line.indexOf("/v1")));
            } else if (line.startsWith("service key")) {
                key = line.substring(line.indexOf(": ") + 2).strip();
            } else if (line.startsWith("ready;")) {
                Thread.ofVirtual().name("output of " + name).start(() -> drain(output, copy));
                return Optional.of(new Running(process, address, key));
            }
        }
        copy.close();
        String last = said.isEmpty() ? "nothing" : said.getLast();
        System.out.println("         " + name + " did not start, it said: " + last);
        return Optional.empty();
    }

    /** What it says about its troubles is not judged, but kept. */
    private static void drain(BufferedReader output, BufferedWriter copy) {
        try (copy) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                copy.write(line + "\n");
                copy.flush();
            }
        } catch (IOException killed) {
            // The end of its output.
        }
    }

    /** Whether its process is there. */
    public boolean isAlive() {
        Running now = running;
        return now != null && now.process().isAlive();
    }

    /** Its process id. */
    public long pid() {
        return current().process().pid();
    }

    /** Where its REST API is; it changes at each start. */
    public URI address() {
        URI address = current().address();
        if (address == null) {
            throw new IllegalStateException(name + " did not say its address");
        }
        return address;
    }

    /** The service key that the very first start of a database prints. */
    Optional<String> serviceKey() {
        return Optional.ofNullable(current().serviceKey());
    }

    /** Whether it says that it is ready. */
    public boolean isReady() {
        try {
            return isAlive()
                    && HTTP.send(
                                            HttpRequest.newBuilder(address().resolve("/readyz"))
                                                    .timeout(Duration.ofSeconds(2))
                                                    .build(),
                                            BodyHandlers.discarding())
                                    .statusCode()
                            == 200;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** How far its wall clock is from the true time, in seconds, as its answers say; empty while it does not answer. */
    public Optional<Long> clockOffset() {
        try {
            return HTTP.send(
                            HttpRequest.newBuilder(address().resolve("/healthz"))
                                    .timeout(Duration.ofSeconds(2))
                                    .build(),
                            BodyHandlers.discarding())
                    .headers()
                    .firstValue("date")
                    .map(date -> ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME)
                                    .toEpochSecond()
                            - System.currentTimeMillis() / 1000);
        } catch (IOException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private Running current() {
        Running now = running;
        if (now == null) {
            throw new IllegalStateException(name + " was not started");
        }
        return now;
    }

    /** kill -9. */
    public void kill() throws InterruptedException {
        current().process().destroyForcibly().waitFor();
    }

    /** Stops it in the middle of whatever it does, until {@link #thaw}. */
    public void freeze() {
        Command.run("kill", "-STOP", Long.toString(pid()));
    }

    /** Lets it go on. */
    public void thaw() {
        Command.run("kill", "-CONT", Long.toString(pid()));
    }

    /** Asks it to stop and returns whether it did within 40 seconds. */
    public boolean terminate() throws InterruptedException {
        Process process = current().process();
        process.destroy();
        return process.waitFor(40, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        try {
            if (isAlive() && !terminate()) {
                kill();
            }
        } catch (InterruptedException e) {
            current().process().destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
