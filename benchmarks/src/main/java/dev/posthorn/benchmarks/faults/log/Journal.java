package dev.posthorn.benchmarks.faults.log;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.function.Consumer;

/**
 * An append-only log: one line for each entry, its fields separated by tabs. An entry is with the operating system when {@link #write}
 * returns, so that it survives the death of the process that wrote it. Thread-safe.
 */
public final class Journal implements AutoCloseable {
    private final FileChannel file;

    /** Opens a log to append to. */
    public Journal(Path path) throws IOException {
        file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND, StandardOpenOption.WRITE);
    }

    /** Appends one entry; no field may hold a tab or a line break. */
    public void write(Object... fields) {
        StringBuilder line = new StringBuilder(256);
        for (Object field : fields) {
            line.append(line.isEmpty() ? "" : "\t").append(field);
        }
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(line.append('\n').toString());
        synchronized (this) {
            try {
                while (bytes.hasRemaining()) {
                    file.write(bytes);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /**
     * Reads a log, entry after entry; one that does not exist has none. A last line without its end was never finished and is left out.
     */
    public static void read(Path path, Consumer<String[]> entries) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        try (BufferedReader lines = Files.newBufferedReader(path)) {
            String line = lines.readLine();
            while (line != null) {
                String next = lines.readLine();
                if (next != null || isFinished(path)) {
                    entries.accept(line.split("\t", -1));
                }
                line = next;
            }
        }
    }

    private static boolean isFinished(Path path) throws IOException {
        try (FileChannel file = FileChannel.open(path)) {
            ByteBuffer last = ByteBuffer.allocate(1);
            return file.read(last, file.size() - 1) == 1 && last.get(0) == '\n';
        }
    }

    /** The time in microseconds since 1970, by this machine's clock, as all logs give it. */
    public static long now() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
