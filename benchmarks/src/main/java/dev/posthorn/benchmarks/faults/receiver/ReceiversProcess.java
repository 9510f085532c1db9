package dev.posthorn.benchmarks.faults.receiver;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;

/** The receivers, running beside this program. Thread-safe. */
public final class ReceiversProcess implements AutoCloseable {
    private final Process process;
    private final int port;
    private final boolean refused;

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
        String[] said = line.split(" ", -1);
        port = Integer.parseInt(said[0]);
        refused = said.length > 1;
    }

    /** The port, the same on both addresses. */
    public int port() {
        return port;
    }

    /** Whether there is a second address, to which nobody may send. */
    public boolean hasRefusedAddress() {
        return refused;
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
