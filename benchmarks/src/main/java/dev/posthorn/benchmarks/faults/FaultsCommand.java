package dev.posthorn.benchmarks.faults;

import dev.posthorn.server.PosthornException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./posthorn faults}. */
@Command(
        name = "faults",
        mixinStandardHelpOptions = true,
        description = {
            "Runs three nodes under load while a nemesis kills, freezes, cuts and fills what it can, then compares what producers were told,",
            "what receivers saw and what the database holds. Then plants eight sabotages, each of which the check must find.",
            "Exit code: 0 nothing found; 1 something found; 2 void, because a sabotage was not caught; 70 could not go on."
        })
public final class FaultsCommand implements Callable<Integer> {
    /** Start, drain, sabotages and check, on two cores. */
    private static final double MINUTES_BESIDES = 4.5;

    /** More than two cores bear beside the faults. */
    private static final int MOST_LOAD = 10_000;

    @Option(names = "--seed", description = "decides order and kind of what goes wrong; by chance if not given")
    private @Nullable Long seed;

    @Option(names = "--minutes", defaultValue = "3", description = "of the nemesis alone (${DEFAULT-VALUE})")
    private double minutes;

    @Option(
            names = "--load",
            paramLabel = "EVENTS",
            description =
                    "events a second in all while nothing is in the way (${DEFAULT-VALUE}); what is above that is queued in batches")
    private int load = Load.LEAST;

    @Option(
            names = "--older",
            paramLabel = "CHECKOUT",
            description = "a built checkout of another version, from which one of the three nodes runs")
    private @Nullable Path older;

    @Option(
            names = "--logs",
            paramLabel = "FOLDER",
            description =
                    "a new folder for the logs, which is kept; else a temporary one that is kept only if something was found")
    private @Nullable Path logs;

    @Override
    public Integer call() throws Exception {
        // Before anything logs: crashes that are meant fill no screen with stack traces.
        System.setProperty("logback.configurationFile", "dev/posthorn/benchmarks/faults/logback.xml");
        if (!(minutes > 0 && minutes <= 24 * 60)) {
            System.err.println("posthorn: --minutes must be more than 0 and at most 1440, it is " + minutes);
            return 64;
        }
        if (load < Load.LEAST || load > MOST_LOAD) {
            System.err.println("posthorn: --load must be from " + Load.LEAST + " to " + MOST_LOAD
                    + " events a second, it is " + load);
            return 64;
        }
        Path checkout = older;
        Optional<String> classPath = checkout == null ? Optional.empty() : serverOf(checkout);
        if (checkout != null && classPath.isEmpty()) {
            System.err.println("posthorn: --older: there is no built server in " + checkout + "; run: " + checkout
                    + "/posthorn --version");
            return 64;
        }
        Path kept = logs;
        if (kept != null && Files.exists(kept)) {
            System.err.println("posthorn: --logs: " + kept + " exists; give a folder that does not");
            return 64;
        }
        long chosen = seed != null ? seed : ThreadLocalRandom.current().nextInt(1, 1_000_000);
        System.out.printf(
                Locale.ROOT,
                "faults: seed %d; %d events a second; the nemesis has %.1f minutes; with start, drain, 8 sabotages and check about %.0f minutes in total%n",
                chosen,
                load,
                minutes,
                Math.ceil(minutes * 1.1 + MINUTES_BESIDES));
        Path folder = kept != null ? kept.toAbsolutePath() : Files.createTempDirectory("posthorn-faults-");
        FaultReport report;
        try {
            report = new FaultRun(
                            folder, chosen, Duration.ofMillis((long) (minutes * 60_000)), new Load(load), classPath)
                    .run();
        } catch (IOException | SQLException | PosthornException e) {
            System.err.println(
                    "posthorn: the fault run could not go on: " + e.getMessage() + "; its logs are in " + folder);
            return 70;
        }
        if (kept == null && report.exitCode() == 0) {
            remove(folder);
        } else {
            System.out.println("the logs are in " + folder);
        }
        report.print();
        return report.exitCode();
    }

    private static Optional<String> serverOf(Path checkout) throws IOException {
        Path target = checkout.resolve("server/target").toAbsolutePath();
        if (Files.notExists(target)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(target)) {
            return files.filter(file -> file.getFileName().toString().matches("posthorn-server-.*\\.jar"))
                    .findFirst()
                    .map(jar -> jar + ":" + target.resolve("lib") + "/*");
        }
    }

    private static void remove(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(folder)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
