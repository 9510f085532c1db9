package dev.posthorn.benchmarks.faults;

import dev.posthorn.benchmarks.faults.stage.Cluster;
import dev.posthorn.benchmarks.faults.stage.ReceiverRoute;

/** Ends what was started and unmounts what was mounted when the program is interrupted. */
final class LeftBehind implements AutoCloseable {
    private final Thread hook;

    LeftBehind(Cluster cluster) {
        hook = new Thread(
                () -> {
                    ProcessHandle.current().descendants().forEach(ProcessHandle::destroyForcibly);
                    ReceiverRoute.mend();
                    cluster.abandon();
                },
                "left-behind");
    }

    void watch() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // It runs already.
        }
    }
}
