package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Feeder;
import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.NodeMemory;
import dev.posthorn.benchmarks.NodeProcess;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.load.WallClock;
import dev.posthorn.benchmarks.receiver.DistinctDeliveries;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Memory of a server that works all the time. */
@Command(
        name = "memory",
        mixinStandardHelpOptions = true,
        description = {
            "Lets a server with a heap of at most 256 MiB deliver without a pause, and looks at its memory again and again.",
            "The heap in use after a full collection must stay as it is."
        })
public final class MemoryScenario extends Scenario {
    private static final double MEBI = 1 << 20;

    @Option(names = "--minutes", defaultValue = "2", description = "(${DEFAULT-VALUE})")
    private double minutes;

    @Option(
            names = "--part-seconds",
            defaultValue = "30",
            description = "after which memory is looked at (${DEFAULT-VALUE})")
    private int partSeconds;

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--part-seconds", partSeconds);
        int parts = (int) Math.ceil(minutes * 60 / partSeconds);
        atLeast(1, "--minutes", parts);
        Stage.Tenant tenant = stage.tenant(DrainScenario.ENDPOINTS, "/ok/");
        Figures figures = new Figures();
        DistinctDeliveries arrived = new DistinctDeliveries();
        long before = stage.receiver().requests();
        try (NodeProcess server = stage.server("-Xmx256m");
                NodeMemory memory = NodeMemory.of(server.pid());
                Feeder feeder = new Feeder(
                        stage,
                        tenant,
                        SustainedLoad.WAITING,
                        () -> stage.receiver().requests() - before)) {
            double[] heap = new double[parts];
            double[] resident = new double[parts];
            double[] beyondHeap = new double[parts];
            double[] perSecond = new double[parts];
            long begin = WallClock.epochNanos();
            for (int part = 0; part < parts; part++) {
                long from = System.nanoTime();
                long had = arrived.requests();
                WallClock.sleepUntil(begin + Duration.ofSeconds(partSeconds).toNanos() * (part + 1));
                stage.receiver().arrivals(arrived::add);
                perSecond[part] = (arrived.requests() - had) / ((System.nanoTime() - from) / 1e9);
                figures.add("heap_with_garbage_mib", memory.heapUsed() / MEBI);
                figures.add("heap_committed_mib", memory.heapCommitted() / MEBI);
                heap[part] = memory.heapAfterCollection() / MEBI;
                resident[part] = memory.resident().map(bytes -> bytes / MEBI).orElse(Double.NaN);
                beyondHeap[part] =
                        memory.residentBeyondHeap().map(bytes -> bytes / MEBI).orElse(Double.NaN);
                figures.add("heap_after_collection_mib", heap[part]);
                figures.add("resident_mib", resident[part]);
                figures.add("resident_beyond_heap_mib", beyondHeap[part]);
                figures.add("deliveries_per_s", perSecond[part]);
                say(
                        "after %d s: %.0f deliveries/s, heap %.1f MiB after a collection, %.1f MiB resident, %.1f of it beyond the heap",
                        (part + 1) * partSeconds, perSecond[part], heap[part], resident[part], beyondHeap[part]);
            }
            long queued = feeder.stop();
            stage.receiver().awaitRequests(before + queued, Duration.ofMinutes(5));
            stage.receiver().arrivals(arrived::add);
            figures.over("heap_after_collection_mib_over_time", heap);
            figures.over("resident_mib_over_time", resident);
            figures.over("resident_beyond_heap_mib_over_time", beyondHeap);
            figures.add("heap_growth_mib", heap[parts - 1] - heap[0]);
            figures.add("resident_growth_mib", resident[parts - 1] - resident[0]);
            figures.add("resident_beyond_heap_growth_mib", beyondHeap[parts - 1] - beyondHeap[0]);
            figures.count("deliveries", queued);
            figures.count("lost", queued - arrived.count());
            figures.count("duplicates", arrived.requests() - arrived.count());
        }
        return figures;
    }
}
