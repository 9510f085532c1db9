package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.stage.FakeTime;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;

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
        int seconds = (30 + random.nextInt(600)) * (random.nextBoolean() ? 1 : -1);
        log.say(title() + " of all nodes by " + seconds + " s, and back");
        time.jump(seconds);
        rig.awaitHealth(Duration.ofSeconds(30));
        time.jump(0);
        rig.awaitHealth(Duration.ofSeconds(30));
        log.harmed(title(), FaultLog.ALL, from);
    }
}
