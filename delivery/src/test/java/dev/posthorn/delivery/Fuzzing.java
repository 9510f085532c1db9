package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs a fuzz target: in an ordinary build on the inputs of its corpus, and with {@code -Dposthorn.fuzz=seconds} as Jazzer mutates them, in
 * a JVM of its own.
 */
public final class Fuzzing {
    private Fuzzing() {}

    /** Takes an input, and throws what it finds wrong. */
    @FunctionalInterface
    public interface Target {
        /** Tries one input. */
        void accept(byte[] input) throws Exception;
    }

    /** The class has the target also as {@code fuzzerTestOneInput}; its corpus is the folder of resources with its name. */
    public static void run(Class<?> type, Target target) throws Exception {
        Path corpus =
                Path.of("src", "test", "resources", type.getPackageName().replace('.', '/'), type.getSimpleName());
        String seconds = System.getProperty("posthorn.fuzz", "");
        if (!seconds.isEmpty()) {
            fuzz(type, corpus, seconds);
            return;
        }
        int tried = 0;
        try (Stream<Path> files = Files.list(corpus)) {
            for (Path file : files.sorted().toList()) {
                try {
                    target.accept(Files.readAllBytes(file));
                } catch (Exception | AssertionError e) {
                    throw new AssertionError("input " + file, e);
                }
                tried++;
            }
        }
        assertThat(tried).isGreaterThan(5);
    }

    private static void fuzz(Class<?> type, Path corpus, String seconds) throws IOException, InterruptedException {
        Path found = Files.createDirectories(Path.of("target", "fuzz", type.getSimpleName()));
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+EnableDynamicAgentLoading",
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + type.getName(),
                "--instrumentation_includes=dev.posthorn.**:org.eclipse.jetty.http.**:org.eclipse.jetty.client.**",
                "--custom_hook_includes=dev.posthorn.**:org.eclipse.jetty.**",
                // The target sends to loopback, on purpose.
                "--disabled_hooks=com.code_intelligence.jazzer.sanitizers.ServerSideRequestForgery",
                "--reproducer_path=" + found,
                "-artifact_prefix=" + found + "/",
                "-max_total_time=" + seconds,
                "-max_len=4096",
                found.toString(),
                corpus.toString()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (InputStream output = process.getInputStream()) {
            output.transferTo(System.out);
        }
        assertThat(process.waitFor()).as("Jazzer found something; see " + found).isZero();
    }
}
