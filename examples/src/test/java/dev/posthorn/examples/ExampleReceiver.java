package dev.posthorn.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** One of the example receivers, as a process of its own. Thread-safe. */
final class ExampleReceiver implements AutoCloseable {
    private final Process process;
    private final List<String> said = new ArrayList<>();

    private ExampleReceiver(Process process) {
        this.process = process;
        Thread.ofVirtual().start(() -> process.inputReader().lines().forEach(this::add));
    }

    /**
     * How one is started.
     *
     * @param directory where
     */
    record Command(Path directory, List<String> words) {
        ExampleReceiver start(String secret) throws IOException {
            ProcessBuilder builder = new ProcessBuilder(words).directory(directory.toFile());
            builder.environment().put("WEBHOOK_SECRET", secret);
            builder.environment().put("PORT", "0");
            return new ExampleReceiver(builder.redirectErrorStream(true).start());
        }
    }

    /** Where it listens; waits until it does. */
    String url() {
        String prefix = "listening on ";
        await(prefix, 1);
        return said(prefix).get(0).substring(prefix.length());
    }

    /** The lines so far that begin so. */
    List<String> said(String prefix) {
        synchronized (said) {
            return said.stream().filter(line -> line.startsWith(prefix)).toList();
        }
    }

    /** Waits for so many lines that begin so. */
    void await(String prefix, int lines) {
        long end = System.nanoTime() + Duration.ofMinutes(1).toNanos();
        synchronized (said) {
            while (said(prefix).size() < lines) {
                long millis = (end - System.nanoTime()) / 1_000_000;
                if (millis <= 0 || !process.isAlive()) {
                    throw new AssertionError("the receiver said '" + prefix + "' only "
                            + said(prefix).size() + " of "
                            + lines + " times, and at last: "
                            + said.subList(Math.max(0, said.size() - 3), said.size()));
                }
                try {
                    // It may also die without a word.
                    said.wait(Math.min(millis, 500));
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new AssertionError("interrupted", e);
                }
            }
        }
    }

    /** Its exit code and, in one text, what it said; waits until it has ended by itself. */
    String ended() throws InterruptedException {
        int exit = process.waitFor();
        await("", 1);
        return exit + ": " + String.join("\n", said(""));
    }

    private void add(String line) {
        synchronized (said) {
            said.add(line);
            said.notifyAll();
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
