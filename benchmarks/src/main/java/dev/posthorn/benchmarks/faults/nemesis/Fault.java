package dev.posthorn.benchmarks.faults.nemesis;

import dev.posthorn.benchmarks.faults.stage.Rig;
import java.util.Optional;
import java.util.SplittableRandom;

/** Something that goes wrong. Stateless. */
public interface Fault {
    /** What it is called. */
    String title();

    /** Why this machine cannot do it; empty if it can. */
    default Optional<String> obstacle(Rig rig) {
        return Optional.empty();
    }

    /** Makes it go wrong and, if it does not mend itself, mends it again; each time span in which harm was done goes into the log. */
    void inject(Rig rig, SplittableRandom random, FaultLog log) throws Exception;
}
