package dev.posthorn.benchmarks.faults;

import dev.posthorn.benchmarks.faults.checker.Checker;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import dev.posthorn.benchmarks.faults.nemesis.Nemesis;
import dev.posthorn.benchmarks.faults.stage.Acknowledgement;
import dev.posthorn.benchmarks.faults.stage.Cluster;
import dev.posthorn.benchmarks.faults.stage.Rig;
import dev.posthorn.benchmarks.faults.stage.Scene;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** The honest run, the sabotaged ones and the check of them all. For one thread. */
final class FaultRun {
    private static final Duration DRAIN = Duration.ofMinutes(4);
    private static final Duration SHORT_DRAIN = Duration.ofSeconds(90);

    private final Path folder;
    private final long seed;
    private final Duration nemesis;
    private final Load load;
    private final Optional<String> older;
    private final Random names;

    /** Everything is written below a folder. */
    FaultRun(Path folder, long seed, Duration nemesis, Load load, Optional<String> older) {
        this.folder = folder;
        this.seed = seed;
        this.nemesis = nemesis;
        this.load = load;
        this.older = older;
        this.names = new Random(seed);
    }

    FaultReport run() throws Exception {
        LogFiles honest = newRun();
        Map<Sabotage, LogFiles> sabotaged = new EnumMap<>(Sabotage.class);
        List<Sabotage> undrained = new ArrayList<>();
        try (Cluster cluster = new Cluster(folder, load.perSecond() * nemesis.toSeconds());
                LeftBehind leftBehind = new LeftBehind(cluster)) {
            leftBehind.watch();
            cluster.migrate();
            rage(cluster, honest);
            for (Sabotage sabotage : Sabotage.values()) {
                System.out.println("sabotage: " + sabotage.title());
                LogFiles files = newRun();
                sabotaged.put(sabotage, files);
                if (!play(cluster, sabotage, files)) {
                    undrained.add(sabotage);
                }
            }
        }
        check(honest, sabotaged);
        Map<Sabotage, Verdict> verdicts = new EnumMap<>(Sabotage.class);
        for (Map.Entry<Sabotage, LogFiles> run : sabotaged.entrySet()) {
            verdicts.put(run.getKey(), Verdict.read(run.getValue()));
        }
        return new FaultReport(Verdict.read(honest), verdicts, undrained);
    }

    /** A folder whose name says nothing. */
    private LogFiles newRun() {
        return new LogFiles(folder.resolve("run-" + HexFormat.of().toHexDigits(names.nextInt())));
    }

    private void rage(Cluster cluster, LogFiles files) throws Exception {
        Scene scene = new Scene(
                "run_honest", 3, load.communities(), Acknowledgement.AFTER_COMMIT, Scene.Senders.DIRECT, older);
        try (Rig rig = new Rig(cluster, scene, files, seed, "");
                Nemesis rage = new Nemesis(rig, seed)) {
            System.out.println("3 nodes run; the nemesis begins");
            rig.startProducers();
            rage.rage(nemesis);
            System.out.println("the nemesis has ended; draining");
            // What is parked at a receiver that fails until now grows with the time, and comes back at its pace.
            long unfinished = rig.drain(DRAIN.plus(nemesis.dividedBy(4)));
            System.out.println(unfinished == 0 ? "drained" : unfinished + " deliveries are not at their end");
            rig.stopAndWriteDatabaseLog();
            rage.report();
        }
    }

    /** Returns whether all deliveries reached an end, without which the checker would find something in any case. */
    private boolean play(Cluster cluster, Sabotage sabotage, LogFiles files) throws Exception {
        try (Rig rig = new Rig(cluster, sabotage.scene(), files, seed, sabotage.sql())) {
            rig.startProducers();
            sabotage.play(rig);
            boolean drained = rig.drain(SHORT_DRAIN) == 0;
            rig.stopAndWriteDatabaseLog();
            return drained;
        }
    }

    /** In a process that gets folders in a random order and knows nothing else. */
    private void check(LogFiles honest, Map<Sabotage, LogFiles> sabotaged) throws IOException, InterruptedException {
        List<String> folders = new ArrayList<>();
        folders.add(honest.folder().toString());
        sabotaged.values().forEach(files -> folders.add(files.folder().toString()));
        Collections.shuffle(folders, names);
        long size = 0;
        for (String run : folders) {
            size = Math.max(size, new LogFiles(Path.of(run)).bytes());
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx" + (512 + 4 * size / (1 << 20)) + "m",
                "-cp",
                System.getProperty("java.class.path"),
                Checker.class.getName()));
        command.addAll(folders);
        int code = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (code != 0) {
            throw new IOException("the checker ended with " + code);
        }
    }
}
