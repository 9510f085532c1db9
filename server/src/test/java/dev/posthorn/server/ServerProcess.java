package dev.posthorn.server;

import dev.posthorn.testkit.TestDatabase;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The program in a process of its own, so that it can really be killed. */
final class ServerProcess implements AutoCloseable {
    static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private final Process process;
    private final List<String> lines = new ArrayList<>();
    private boolean silent;

    private ServerProcess(Process process) {
        this.process = process;
        Thread.ofVirtual().start(this::read);
    }

    static ServerProcess start(Map<String, String> environment, String... arguments) throws IOException {
        return start(List.of(), environment, arguments);
    }

    /** {@code serve} on a free port, over a database, with targets on loopback allowed and whatever else the environment says. */
    static ServerProcess serve(TestDatabase database, Map<String, String> more) throws IOException {
        Map<String, String> environment =
                new HashMap<>(Map.of("DATABASE_URL", database.url(), "POSTHORN_ALLOWED_NETWORKS", "127.0.0.0/8"));
        environment.putAll(more);
        return start(environment, "serve", "--port", "0");
    }

    /** The same behind a command that ends by replacing itself with the rest of its arguments. */
    static ServerProcess start(List<String> behind, Map<String, String> environment, String... arguments)
            throws IOException {
        return start(behind, ClassArchive.options(), environment, arguments);
    }

    static ServerProcess start(
            List<String> behind, List<String> options, Map<String, String> environment, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(behind);
        command.add(JAVA);
        command.addAll(options);
        command.addAll(List.of(
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                // What the program logs, not what tests want of it.
                "-Dlogback.configurationFile=logback.xml",
                "-cp",
                ClassArchive.CLASS_PATH,
                "dev.posthorn.server.Main"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("POSTHORN_") || name.equals("DATABASE_URL"));
        builder.environment().putAll(environment);
        return new ServerProcess(builder.start());
    }

    private void read() {
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line = reader.readLine();
            while (line != null) {
                synchronized (lines) {
                    lines.add(line);
                    lines.notifyAll();
                }
                line = reader.readLine();
            }
        } catch (IOException endOfProcess) {
            // The process was killed.
        }
        synchronized (lines) {
            silent = true;
            lines.notifyAll();
        }
    }

    /** Waits for a line that holds a text and returns it. */
    String awaitLine(String text, Duration atMost) throws InterruptedException, TimeoutException {
        long end = System.nanoTime() + atMost.toNanos();
        synchronized (lines) {
            while (true) {
                for (String line : lines) {
                    if (line.contains(text)) {
                        return line;
                    }
                }
                long millis = (end - System.nanoTime()) / 1_000_000;
                if (millis <= 0 || silent) {
                    throw new TimeoutException("no line with \"" + text + "\" among:\n" + String.join("\n", lines));
                }
                lines.wait(Math.min(millis, 500));
            }
        }
    }

    /** What a diagnostic command says of it. */
    String jcmd(String command) throws IOException, InterruptedException {
        Process tool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        Long.toString(process.pid()),
                        command)
                .redirectErrorStream(true)
                .start();
        String said = new String(tool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (tool.waitFor() != 0) {
            throw new IOException("jcmd " + command + ": " + said);
        }
        return said;
    }

    long pid() {
        return process.pid();
    }

    String output() {
        synchronized (lines) {
            return String.join("\n", lines);
        }
    }

    /** Waits for the end of the process and returns its exit code. */
    int awaitExit(Duration atMost) throws InterruptedException, TimeoutException {
        if (!process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new TimeoutException("still running after " + atMost + ":\n" + output());
        }
        return process.exitValue();
    }

    /** kill -9. */
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /** kill -STOP: it stands still in the middle of whatever it does, until {@link #thaw}. */
    void freeze() throws IOException, InterruptedException {
        signal("-STOP");
    }

    /** kill -CONT. */
    void thaw() throws IOException, InterruptedException {
        signal("-CONT");
    }

    private void signal(String name) throws IOException, InterruptedException {
        int code = new ProcessBuilder("kill", name, Long.toString(process.pid()))
                .start()
                .waitFor();
        if (code != 0) {
            throw new IOException("kill " + name + " ended with " + code);
        }
    }

    /** kill -TERM, and waits. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
