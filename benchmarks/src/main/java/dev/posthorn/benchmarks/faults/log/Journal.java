package dev.posthorn.benchmarks.faults.log;

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
import java.util.ArrayList;
import java.util.List;

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

    /** The entries of a log; none if it does not exist. A last line without its end was never finished and is left out. */
    public static List<String[]> read(Path path) throws IOException {
        List<String[]> entries = new ArrayList<>();
        if (Files.exists(path)) {
            String text = Files.readString(path);
            int from = 0;
            for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
                entries.add(text.substring(from, end).split("\t", -1));
                from = end + 1;
            }
        }
        return entries;
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
