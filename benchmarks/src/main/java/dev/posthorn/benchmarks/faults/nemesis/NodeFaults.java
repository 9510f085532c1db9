package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.stage.NodeProcess;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.sql.SQLException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What happens to nodes. */
enum NodeFaults implements Fault {
    KILLED("kill -9 of a node") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            NodeProcess node = one(rig, random);
            long pid = node.pid();
            node.kill();
            long died = Journal.now();
            List<String> held = held(rig, pid);
            log.held(pid, died, held);
            log.say("kill -9 of " + node.name() + ", which held " + held.size() + " deliveries");
            pause(1_000 + random.nextInt(2_000));
            node.start();
            log.harmed(title(), Long.toString(pid), died);
        }
    },
    FROZEN("freeze of a node past its lease") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            NodeProcess node = one(rig, random);
            int millis = 6_000 + random.nextInt(2_500);
            long from = Journal.now();
            log.say("freeze of " + node.name() + " for " + millis + " ms");
            node.freeze();
            pause(millis);
            // Before it can do anything: what it still sends comes after.
            long thawed = Journal.now();
            node.thaw();
            log.harmed(title(), Long.toString(node.pid()), from, thawed);
        }
    },
    ALL_KILLED("kill -9 of all nodes at once") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            long from = Journal.now();
            log.say(title());
            for (NodeProcess node : rig.nodes()) {
                node.kill();
            }
            pause(random.nextInt(1_000));
            rig.startAll(rig.nodes());
            log.harmed(title(), FaultLog.ALL, from);
        }
    },
    TERMINATED("SIGTERM to a node under load") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            NodeProcess node = one(rig, random);
            log.say("SIGTERM to " + node.name());
            long from = Journal.now();
            if (!node.terminate()) {
                log.say(node.name() + " did not stop within 40 seconds and is killed");
                node.kill();
                log.harmed("kill after SIGTERM", Long.toString(node.pid()), from);
            }
            // A stop that was asked for explains no duplicate: it is not among the harms.
            node.start();
        }
    };

    private static final String HELD = """
            SELECT d.id FROM posthorn.webhook_deliveries_ready AS d
            JOIN faults_log.dispatchers AS p ON p.id = d.dispatcher_id AND split_part(p.name, '@', 1) = ?
            WHERE d.status = 'sending'
            """;

    private final String title;

    NodeFaults(String title) {
        this.title = title;
    }

    @Override
    public String title() {
        return title;
    }

    private static NodeProcess one(Rig rig, SplittableRandom random) {
        return rig.nodes().get(random.nextInt(rig.nodes().size()));
    }

    /** What a node has leased at this moment. */
    static List<String> held(Rig rig, long pid) throws SQLException {
        return rig.cluster().query(rig.database(), HELD, Long.toString(pid));
    }

    private static void pause(int millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }
}
