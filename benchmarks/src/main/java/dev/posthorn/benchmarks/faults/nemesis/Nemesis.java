package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.stage.NodeProcess;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Makes one thing after the other go wrong: each once in an order that the seed decides, then all again in another. For one thread. */
public final class Nemesis implements AutoCloseable {
    private static final String STUCK_IN_TRANSACTION =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                    + " AND application_name = 'posthorn' AND state = 'idle in transaction' AND state_change < now() - interval '300 milliseconds'";

    private final Rig rig;
    private final FaultLog log;
    private final PauseWatch watch;
    private final Random shuffling;
    private final SplittableRandom random;
    private final Map<String, Integer> injected = new LinkedHashMap<>();
    private final Map<String, String> skipped = new LinkedHashMap<>();

    /** What it will do depends on the seed alone, what comes of it also on the machine. */
    public Nemesis(Rig rig, long seed) {
        this.rig = rig;
        this.log = new FaultLog(rig.nemesisLog());
        this.watch = new PauseWatch(log);
        this.shuffling = new Random(seed);
        this.random = new SplittableRandom(seed);
    }

    private static List<Fault> all() {
        List<Fault> all = new ArrayList<>(Arrays.asList(NodeFaults.values()));
        all.addAll(Arrays.asList(DatabaseFaults.values()));
        all.add(new RouteCut());
        all.add(new ClockJump());
        return all;
    }

    /** Rages for so long; the last fault is mended before it returns. */
    public void rage(Duration time) throws Exception {
        long begun = System.nanoTime();
        List<Fault> possible = new ArrayList<>();
        for (Fault fault : all()) {
            Optional<String> obstacle = fault.obstacle(rig);
            if (obstacle.isPresent()) {
                skipped.put(fault.title(), obstacle.get());
            } else {
                possible.add(fault);
                injected.put(fault.title(), 0);
            }
        }
        watch.start();
        while (isTimeLeft(begun, time)) {
            Collections.shuffle(possible, shuffling);
            for (Fault fault : possible) {
                quiet(1_000 + random.nextInt(2_000));
                if (!isTimeLeft(begun, time)) {
                    break;
                }
                inject(fault);
            }
        }
        rig.awaitHealth(Duration.ofSeconds(60));
    }

    private boolean isTimeLeft(long begun, Duration time) {
        return System.nanoTime() - begun < time.plus(watch.stoodStill()).toNanos();
    }

    private void inject(Fault fault) throws Exception {
        injected.merge(fault.title(), 1, Integer::sum);
        fault.inject(rig, random, log);
        if (!rig.awaitHealth(Duration.ofSeconds(60))) {
            log.say("not all nodes are ready a minute after: " + fault.title());
        }
    }

    private static void quiet(int millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }

    /** Until then it is watched whether the machine stands still. */
    @Override
    public void close() {
        watch.close();
    }

    /** Prints what was done, what there was no time for, and what this machine cannot do. */
    public void report() {
        injected.forEach((fault, times) -> System.out.printf(
                "  %-42s %s%n", fault, times == 0 ? "not reached: the time was too short" : times + " times"));
        skipped.forEach((fault, why) -> System.out.printf("  %-42s skipped: %s%n", fault, why));
        System.out.printf(
                "  %-42s %s%n",
                "receivers: slow, silent, resetting, surplus, malformed, failing, in a refused network",
                rig.receivers().hasRefusedAddress() ? "all the time" : "all the time; skipped: 127.0.0.2 is not there");
    }

    /** Freezes the node that has most under way for so long and lets it go on. */
    public static void freezeBusiest(Rig rig, Duration time) throws SQLException {
        NodeProcess node = rig.nodes().getFirst();
        int most = -1;
        for (NodeProcess candidate : rig.nodes()) {
            int held = NodeFaults.held(rig, candidate.pid()).size();
            if (held > most) {
                most = held;
                node = candidate;
            }
        }
        long from = Journal.now();
        node.freeze();
        // In the middle of a transaction its locks would hold the other nodes as well: then in another moment.
        quiet(500);
        while (!rig.cluster().query(rig.database(), STUCK_IN_TRANSACTION).isEmpty()) {
            node.thaw();
            quiet(100);
            node.freeze();
            quiet(500);
        }
        LockSupport.parkNanos(time.toNanos());
        long thawed = Journal.now();
        node.thaw();
        new FaultLog(rig.nemesisLog()).harmed("freeze of a node", Long.toString(node.pid()), from, thawed);
    }

    /** Cuts every connection to the database, once. */
    public static void cutConnections(Rig rig) {
        long from = Journal.now();
        rig.databaseForwarder().cut();
        new FaultLog(rig.nemesisLog()).harmed("database", FaultLog.ALL, from);
    }

    /** Crashes the database and waits until it is back. */
    public static void crashDatabase(Rig rig) throws Exception {
        DatabaseFaults.STOPPED.inject(rig, new SplittableRandom(1), new FaultLog(rig.nemesisLog()));
    }
}
