package dev.posthorn.benchmarks.faults.stage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A wall clock for processes that can be made to jump: libfaketime, where it is installed. Thread-safe. */
public final class FakeTime {
    private static final List<Path> PLACES = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib64/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/local/lib/faketime/libfaketimeMT.so.1"));

    private final Path library;
    private final Path offset;

    private FakeTime(Path library, Path offset) {
        this.library = library;
        this.offset = offset;
    }

    /** The clock of a run, without an offset; empty where the library is not installed. */
    static Optional<FakeTime> find(Path folder) throws IOException {
        Optional<Path> library = PLACES.stream().filter(Files::exists).findFirst();
        if (library.isEmpty()) {
            return Optional.empty();
        }
        FakeTime time = new FakeTime(library.get(), folder.resolve("clock-offset"));
        time.jump(0);
        return Optional.of(time);
    }

    /** What a process needs in its environment to live by it; its monotonic clock stays true. */
    Map<String, String> environment() {
        return Map.of(
                "LD_PRELOAD",
                library.toString(),
                "FAKETIME_TIMESTAMP_FILE",
                offset.toString(),
                // Without a cache each look at the clock reads the file, which takes ten times as long.
                "FAKETIME_CACHE_DURATION",
                "1",
                "FAKETIME_DONT_FAKE_MONOTONIC",
                "1",
                // Else a wait with a time limit of a Java thread ends at once, again and again, and takes a processor.
                "FAKETIME_FORCE_MONOTONIC_FIX",
                "0");
    }

    /** Sets the distance from the true time; processes see it a second later at most. */
    public void jump(int seconds) throws IOException {
        Path next = offset.resolveSibling("clock-offset-next");
        Files.writeString(next, (seconds < 0 ? "" : "+") + seconds + "\n");
        Files.move(next, offset, StandardCopyOption.ATOMIC_MOVE);
    }
}
