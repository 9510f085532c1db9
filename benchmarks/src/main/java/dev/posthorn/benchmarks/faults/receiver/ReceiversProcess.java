package dev.posthorn.benchmarks.faults.receiver;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.List;

/** The receivers, running beside this program. Thread-safe. */
public final class ReceiversProcess implements AutoCloseable {
    private final Process process;
    private final int port;
    private final boolean refused;
    private final boolean routed;

    /** Starts them; they log into the folder of a run. */
    public ReceiversProcess(Path folder, long seed) throws IOException {
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-Xmx1g",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Receivers.class.getName(),
                        folder.toString(),
                        Long.toString(seed))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String line = process.inputReader().readLine();
        if (line == null) {
            throw new IOException("the receivers did not start");
        }
        List<String> said = List.of(line.split(" ", -1));
        port = Integer.parseInt(said.getFirst());
        refused = said.contains("refused");
        routed = said.contains("routed");
    }

    /** The port, the same on all addresses. */
    public int port() {
        return port;
    }

    /** Whether there is a second address, to which nobody may send. */
    public boolean hasRefusedAddress() {
        return refused;
    }

    /** Whether there is a third address, to which one may send and whose route may be cut. */
    public boolean hasRoutedAddress() {
        return routed;
    }

    /** From now on all answer well. */
    public void behave() throws IOException {
        Writer control = process.outputWriter();
        control.write("behave\n");
        control.flush();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
