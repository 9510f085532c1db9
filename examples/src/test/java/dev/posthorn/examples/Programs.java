package dev.posthorn.examples;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Programs of the machine, which may be missing. */
final class Programs {
    private Programs() {}

    /**
     * How a program ended.
     *
     * @param exit its exit code; -1 if it is not installed
     * @param output what it wrote, on either stream
     */
    record Ended(int exit, String output) {
        boolean succeeded() {
            return exit == 0;
        }

        /** The last line it wrote. */
        String lastWord() {
            List<String> lines = output.strip().lines().toList();
            return lines.isEmpty() ? "exit code " + exit : lines.get(lines.size() - 1);
        }
    }

    /** Runs a program to its end, in a directory or else in this one. */
    static Ended run(@Nullable Path directory, String... command) throws InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        if (directory != null) {
            builder.directory(directory.toFile());
        }
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Ended(process.waitFor(), output);
        } catch (IOException missing) {
            return new Ended(-1, String.valueOf(missing.getMessage()));
        }
    }

    /** Copies the files of a directory to one below {@code target}, where what they need can be installed. */
    static Path copy(String directory) throws IOException {
        Path target = Path.of("target", directory);
        Files.createDirectories(target);
        try (Stream<Path> files = Files.list(Path.of(directory))) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, target.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return target.toAbsolutePath();
    }
}
