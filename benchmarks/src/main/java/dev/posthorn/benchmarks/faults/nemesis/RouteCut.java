package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.stage.NodeProcess;
import dev.posthorn.benchmarks.faults.stage.ReceiverRoute;
import dev.posthorn.benchmarks.faults.stage.Rig;
import java.time.Duration;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** No way leads from this machine to any receiver: a failure of our own side, which no endpoint must suffer for. */
final class RouteCut implements Fault {
    @Override
    public String title() {
        return "route to the receivers cut";
    }

    @Override
    public Optional<String> obstacle(Rig rig) {
        if (!rig.receivers().hasRoutedAddress()) {
            return Optional.of("127.0.0.3 is not there");
        }
        return ReceiverRoute.canBeCut() ? Optional.empty() : Optional.of("it needs Linux, root and the command ip");
    }

    @Override
    public void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception {
        long from = Journal.now();
        int millis = 8_000 + random.nextInt(5_000);
        log.say(title() + " for " + millis + " ms");
        ReceiverRoute.cut();
        try {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
            long stopped = rig.nodes().stream().filter(node -> !node.isReady()).count();
            log.say(stopped + " of " + rig.nodes().size() + " nodes are not ready");
        } finally {
            ReceiverRoute.mend();
        }
        boolean healthy = rig.awaitHealth(Duration.ofSeconds(60));
        log.harmed(title(), FaultLog.ALL, from);
        if (!healthy) {
            log.say("not all nodes are ready a minute later: "
                    + rig.nodes().stream().map(NodeProcess::name).toList());
        }
    }
}
