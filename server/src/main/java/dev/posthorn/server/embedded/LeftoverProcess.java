package dev.posthorn.server.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The database process of a data directory, found by the file in which PostgreSQL notes its process id. */
final class LeftoverProcess {
    private static final Logger LOG = LoggerFactory.getLogger(LeftoverProcess.class);

    private LeftoverProcess() {}

    static boolean isAlive(Path dataDirectory) {
        return find(dataDirectory).isPresent();
    }

    /** Stops it if it runs, so that its shared memory is released and a new one can start; clients of it are cut off. */
    static void stop(Path dataDirectory) throws IOException {
        Optional<ProcessHandle> found = find(dataDirectory);
        if (found.isPresent()) {
            ProcessHandle process = found.get();
            LOG.warn("a killed posthorn left its PostgreSQL running (process {}); it is replaced", process.pid());
            // PostgreSQL's own words: INT is a fast shutdown, QUIT an immediate one.
            if (!signal(process, "-INT") && !signal(process, "-QUIT")) {
                throw new IOException("process " + process.pid() + " of a killed posthorn does not stop; kill it");
            }
        }
        // Under another process that has the same number by now, PostgreSQL would refuse to start.
        Files.deleteIfExists(dataDirectory.resolve("postmaster.pid"));
    }

    private static Optional<ProcessHandle> find(Path dataDirectory) {
        try {
            List<String> lines = Files.readAllLines(dataDirectory.resolve("postmaster.pid"));
            return ProcessHandle.of(Long.parseLong(lines.get(0).strip()))
                    .filter(ProcessHandle::isAlive)
                    .filter(process -> process.info()
                            .command()
                            .map(command -> command.contains("postgres"))
                            .orElse(true));
        } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private static boolean signal(ProcessHandle process, String signal) throws IOException {
        new ProcessBuilder("kill", signal, Long.toString(process.pid())).start();
        try {
            process.onExit().get(10, TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
