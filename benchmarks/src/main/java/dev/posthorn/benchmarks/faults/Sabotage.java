package dev.posthorn.benchmarks.faults;

import static dev.posthorn.benchmarks.faults.receiver.Behaviour.ANSWERS;
import static dev.posthorn.benchmarks.faults.receiver.Behaviour.FAILS_FIRST;
import static dev.posthorn.benchmarks.faults.receiver.Behaviour.LATE;
import static dev.posthorn.benchmarks.faults.receiver.Behaviour.SURPLUS;

import dev.posthorn.benchmarks.faults.checker.Finding;
import dev.posthorn.benchmarks.faults.nemesis.Nemesis;
import dev.posthorn.benchmarks.faults.stage.Acknowledgement;
import dev.posthorn.benchmarks.faults.stage.Cluster;
import dev.posthorn.benchmarks.faults.stage.Community;
import dev.posthorn.benchmarks.faults.stage.Rig;
import dev.posthorn.benchmarks.faults.stage.Scene;
import dev.posthorn.benchmarks.faults.stage.Scene.Senders;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Faults of our own that are planted on purpose, each in a short run of its own, to see whether the checker finds them. */
enum Sabotage {
    ACK_BEFORE_COMMIT("ack before commit", Finding.LOST) {
        @Override
        Scene scene() {
            return new Scene(
                    database(),
                    1,
                    List.of(Community.bySql("first", 80, 3, ANSWERS), Community.bySql("second", 80, 3, ANSWERS)),
                    Acknowledgement.BEFORE_COMMIT,
                    Senders.DIRECT);
        }

        @Override
        void play(Rig rig) {
            for (int times = 0; times < 10; times++) {
                pause(500);
                Nemesis.cutConnections(rig);
            }
        }
    },
    MARK_DELIVERED_BEFORE_SENDING("mark delivered before sending", Finding.LOST) {
        @Override
        Scene scene() {
            return honestProducers(1, Senders.DIRECT, Community.bySql("first", 20, 1, FAILS_FIRST));
        }

        @Override
        void play(Rig rig) {
            pause(4_000);
        }
    },
    LEASE_WITHOUT_FENCING("lease without fencing", Finding.WRONG_STATE) {
        @Override
        Scene scene() {
            return honestProducers(2, Senders.DIRECT, Community.bySql("first", 15, 1, LATE));
        }

        @Override
        void play(Rig rig) throws Exception {
            pause(2_000);
            Nemesis.freezeBusiest(rig, Duration.ofSeconds(10));
        }
    },
    DROP_ONE_IN_TEN_THOUSAND("dropping one event in 10,000", Finding.LOST) {
        @Override
        Scene scene() {
            Community fast = new Community("first", List.of(ANSWERS), 0, 500, 22_000, false);
            return honestProducers(1, Senders.DIRECT, fast);
        }

        @Override
        void play(Rig rig) throws InterruptedException {
            rig.joinProducers();
        }
    },
    REUSE_WITH_UNREAD_BYTES("reuse of a connection with unread bytes", Finding.LOST) {
        @Override
        Scene scene() {
            return honestProducers(1, Senders.LEFTOVERS, Community.bySql("first", 20, 1, SURPLUS));
        }

        @Override
        void play(Rig rig) {
            pause(4_000);
        }
    },
    SWAP_TENANTS("tenants swapped", Finding.UNEXPECTED) {
        @Override
        Scene scene() {
            return honestProducers(
                    1,
                    Senders.DIRECT,
                    Community.bySql("first", 30, 2, ANSWERS),
                    Community.bySql("second", 30, 2, ANSWERS));
        }

        @Override
        void play(Rig rig) {
            pause(4_000);
        }
    },
    RETRY_WITHOUT_ADDRESS_CHECK("retry without address check", Finding.UNEXPECTED) {
        @Override
        Scene scene() {
            return honestProducers(1, Senders.UNCHECKED_RETRIES, Community.bySql("first", 20, 1, FAILS_FIRST));
        }

        @Override
        void play(Rig rig) {
            pause(4_000);
        }
    },
    UNDURABLE_ACCEPTANCE("synchronous_commit=off on acceptance", Finding.LOST) {
        @Override
        Scene scene() {
            return new Scene(
                    database(),
                    1,
                    List.of(Community.bySql("first", 0, 3, ANSWERS), Community.bySql("second", 0, 3, ANSWERS)),
                    Acknowledgement.AFTER_UNDURABLE_COMMIT,
                    Senders.DIRECT);
        }

        @Override
        void play(Rig rig) throws Exception {
            for (int times = 0; times < 3; times++) {
                pause(1_000);
                Nemesis.crashDatabase(rig);
            }
        }
    };

    private static final List<Sabotage> IN_SQL = List.of(
            MARK_DELIVERED_BEFORE_SENDING,
            LEASE_WITHOUT_FENCING,
            DROP_ONE_IN_TEN_THOUSAND,
            SWAP_TENANTS,
            RETRY_WITHOUT_ADDRESS_CHECK);

    private final String title;
    private final Finding betrayal;

    Sabotage(String title, Finding betrayal) {
        this.title = title;
        this.betrayal = betrayal;
    }

    String title() {
        return title;
    }

    /** As what the checker must see it. */
    Finding betrayal() {
        return betrayal;
    }

    /** Where it is planted, apart from its SQL. */
    abstract Scene scene();

    /** What happens while its producers work. */
    abstract void play(Rig rig) throws Exception;

    /** What its database is done to; empty if nothing. */
    String sql() throws IOException {
        return IN_SQL.contains(this)
                ? Cluster.resource("sabotage/edit.sql")
                        + Cluster.resource("sabotage/" + name().toLowerCase(Locale.ROOT) + ".sql")
                : "";
    }

    Scene honestProducers(int nodes, Senders senders, Community... communities) {
        return new Scene(database(), nodes, List.of(communities), Acknowledgement.AFTER_COMMIT, senders);
    }

    String database() {
        return "run_" + name().toLowerCase(Locale.ROOT);
    }

    private static void pause(int millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }
}
