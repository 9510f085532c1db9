package dev.posthorn.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Processor time of processes, as Linux tells it in {@code /proc}; empty elsewhere. */
final class ProcessCpu {
    private static final long MICROS_PER_TICK = 10_000;

    private ProcessCpu() {}

    /** Time of a process in microseconds. */
    static Optional<Long> micros(long pid) {
        return stat(pid).map(fields -> (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * MICROS_PER_TICK);
    }

    /**
     * Time of a process, of its children, and of those of them that have ended, in microseconds. Read anew if one of them ended meanwhile: it
     * would be found neither among the children nor, with all that it has used, in what the process says of ended ones.
     */
    static Optional<Long> treeMicros(long pid) {
        Optional<Long> ended = endedMicros(pid);
        while (true) {
            long children = ProcessHandle.of(pid).stream()
                    .flatMap(ProcessHandle::children)
                    .mapToLong(child -> micros(child.pid()).orElse(0L))
                    .sum();
            Optional<Long> endedNow = endedMicros(pid);
            if (endedNow.equals(ended)) {
                return ended.flatMap(done -> micros(pid).map(own -> own + done + children));
            }
            ended = endedNow;
        }
    }

    private static Optional<Long> endedMicros(long pid) {
        return stat(pid).map(fields -> (Long.parseLong(fields[13]) + Long.parseLong(fields[14])) * MICROS_PER_TICK);
    }

    /** The parent of a process, if that process is on this machine and has the given name. */
    static Optional<Long> parentIf(long pid, String name) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "comm"))
                            .strip()
                            .equals(name)
                    ? stat(pid).map(fields -> Long.parseLong(fields[1]))
                    : Optional.empty();
        } catch (IOException elsewhere) {
            return Optional.empty();
        }
    }

    /** The fields after the name, from {@code state} on (proc(5)). */
    private static Optional<String[]> stat(long pid) {
        try {
            String text = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return Optional.of(text.substring(text.lastIndexOf(')') + 2).split(" ", -1));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
