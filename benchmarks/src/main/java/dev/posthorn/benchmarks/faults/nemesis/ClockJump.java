package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.stage.FakeTime;
import dev.posthorn.benchmarks.faults.stage.NodeProcess;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The clock of the nodes jumps, there and back; that of the database does not. */
final class ClockJump implements Fault {
    @Override
    public String title() {
        return "clock jump";
    }

    @Override
    public Optional<String> obstacle(Rig rig) {
        return rig.fakeTime().isPresent() ? Optional.empty() : Optional.of("libfaketime is not installed");
    }

    @Override
    public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
        FakeTime time = rig.fakeTime().orElseThrow();
        long from = Journal.now();
        // By minutes, or by hours.
        int length = random.nextBoolean() ? 30 + random.nextInt(600) : 3_600 + random.nextInt(4 * 3_600);
        int seconds = random.nextBoolean() ? length : -length;
        log.say(title() + " of all nodes by " + seconds + " s, and back");
        jump(rig, time, seconds, log);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3_000 + random.nextInt(3_000)));
        rig.awaitHealth(Duration.ofSeconds(30));
        jump(rig, time, 0, log);
        rig.awaitHealth(Duration.ofSeconds(30));
        log.harmed(title(), FaultLog.ALL, from);
    }

    /** Jumps, and asks each node what time it is. */
    private static void jump(Rig rig, FakeTime time, int seconds, FaultLog log) throws IOException {
        time.jump(seconds);
        for (NodeProcess node : rig.nodes()) {
            boolean seen = Rig.await(
                    Duration.ofSeconds(20),
                    () -> node.clockOffset()
                            .filter(offset -> Math.abs(offset - seconds) <= 5)
                            .isPresent());
            if (!seen) {
                log.say("the clock of " + node.name() + " does not say so: it is off by "
                        + node.clockOffset().map(offset -> offset + " s").orElse("an unknown time"));
            }
        }
    }
}
