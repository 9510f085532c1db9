package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.stage.Command;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What happens to the database and to the way to it. */
enum DatabaseFaults implements Fault {
    STOPPED("immediate stop of PostgreSQL") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            long from = Journal.now();
            log.say(title());
            Command.run("kill", "-QUIT", Long.toString(rig.cluster().postmaster()));
            Rig.await(Duration.ofSeconds(10), () -> !rig.cluster().answers());
            recovered(rig, log, from);
        }
    },
    BACKEND_KILLED("kill -9 of one backend") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            List<String> backends = rig.cluster().query(rig.database(), BACKENDS);
            if (backends.isEmpty()) {
                log.say("no backend to kill");
                return;
            }
            long from = Journal.now();
            log.say(title());
            Command.run("kill", "-9", backends.get(random.nextInt(backends.size())));
            recovered(rig, log, from);
        }
    },
    CUT("connections to PostgreSQL cut") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) {
            long from = Journal.now();
            int cut = 0;
            for (int times = 1 + random.nextInt(4); times > 0; times--) {
                cut += rig.databaseForwarder().cut();
                pause(random.nextInt(700));
            }
            log.say(cut + " connections to PostgreSQL cut");
            recovered(rig, log, from);
        }
    },
    POOL_EXHAUSTED("pool exhausted") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            long from = Journal.now();
            try (Connection connection = rig.cluster().superuser(rig.database());
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.execute("LOCK TABLE posthorn.communities IN ACCESS EXCLUSIVE MODE");
                PoolRequests requests = PoolRequests.send(rig, 40);
                pause(3_000 + random.nextInt(2_000));
                List<String> stuck = rig.cluster().query(rig.database(), STUCK);
                log.say(title() + ": " + stuck.getFirst() + " connections waited for a lock");
                connection.rollback();
                requests.close();
            }
            recovered(rig, log, from);
        }
    },
    DISK_FULL("disk full") {
        @Override
        public Optional<String> obstacle(Rig rig) {
            return rig.cluster().disk().isSmall()
                    ? Optional.empty()
                    : Optional.of("no small file system could be mounted; it needs Linux and root");
        }

        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
            long from = Journal.now();
            rig.cluster().disk().fill();
            int millis = 3_000 + random.nextInt(2_000);
            log.say("disk full for " + millis + " ms");
            pause(millis);
            String state = rig.cluster().answers() ? "PostgreSQL still answers" : "PostgreSQL is down";
            rig.cluster().disk().free();
            log.say("disk free again; " + state);
            recovered(rig, log, from);
        }
    },
    SNAPSHOT_HELD("idle transaction that holds a snapshot") {
        @Override
        public void inject(Rig rig, SplittableRandom random, FaultLog log) {
            int millis = 10_000 + random.nextInt(10_000);
            log.say(title() + ", for " + millis + " ms beside what follows");
            Thread.ofVirtual().name("snapshot").start(() -> holdSnapshot(rig, millis));
        }
    };

    private static final String BACKENDS =
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'posthorn'";
    private static final String STUCK = "SELECT count(*) FROM pg_stat_activity"
            + " WHERE datname = current_database() AND application_name = 'posthorn' AND wait_event_type = 'Lock'";

    private final String title;

    DatabaseFaults(String title) {
        this.title = title;
    }

    @Override
    public String title() {
        return title;
    }

    private static void recovered(Rig rig, FaultLog log, long from) {
        boolean healthy = rig.awaitHealth(Duration.ofSeconds(60));
        log.harmed("database", FaultLog.ALL, from);
        if (!healthy) {
            log.say("not all nodes are ready a minute later");
        }
    }

    private static void holdSnapshot(Rig rig, int millis) {
        try (Connection connection = rig.cluster().superuser(rig.database());
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posthorn.webhook_deliveries_ready");
            pause(millis);
        } catch (SQLException crashed) {
            // Then it holds nothing any more.
        }
    }

    private static void pause(int millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }
}
