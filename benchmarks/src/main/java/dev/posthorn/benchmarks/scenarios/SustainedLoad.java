package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Feeder;
import dev.posthorn.benchmarks.Settled;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.load.WallClock;
import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import dev.posthorn.delivery.engine.DeliveryEngine;
import java.time.Duration;
import java.util.function.Consumer;

/** An engine in this process whose queue is kept filled while it works. */
final class SustainedLoad {
    /** Deliveries that always wait: about a second of work. */
    static final int WAITING = 20_000;

    /** Until the queue is filled and everything runs. */
    private static final Duration RAMP = Duration.ofSeconds(3);

    private SustainedLoad() {}

    /**
     * What came of it.
     *
     * @param perSecond deliveries per second in each part of the time
     * @param queued how many there were in all, each of which was delivered in the end
     */
    record Result(double[] perSecond, long queued) {
        double mean() {
            return mean(0, perSecond.length);
        }

        /** Of the last third. */
        double end() {
            return mean(perSecond.length - Math.max(1, perSecond.length / 3), perSecond.length);
        }

        private double mean(int from, int to) {
            double sum = 0;
            for (int i = from; i < to; i++) {
                sum += perSecond[i];
            }
            return sum / (to - from);
        }
    }

    /**
     * Runs for so many parts of time, then lets the queue run empty.
     *
     * @param arrivals hears of each request, on this thread
     */
    static Result run(Stage stage, Stage.Tenant tenant, int parts, Duration part, Consumer<Arrival> arrivals)
            throws Exception {
        Settled settled = new Settled();
        try (DeliveryEngine engine = stage.engine(settled);
                Feeder feeder = new Feeder(stage, tenant, WAITING, settled::delivered)) {
            engine.start();
            long begin = WallClock.epochNanos() + RAMP.toNanos();
            WallClock.sleepUntil(begin);
            double[] perSecond = new double[parts];
            long before = settled.delivered();
            long beforeNanos = System.nanoTime();
            for (int i = 0; i < parts; i++) {
                WallClock.sleepUntil(begin + (i + 1) * part.toNanos());
                long now = settled.delivered();
                long nowNanos = System.nanoTime();
                perSecond[i] = (now - before) / ((nowNanos - beforeNanos) / 1e9);
                before = now;
                beforeNanos = nowNanos;
                stage.receiver().arrivals(arrivals);
            }
            long queued = feeder.stop();
            settled.await(queued, Duration.ofMinutes(5));
            stage.receiver().arrivals(arrivals);
            return new Result(perSecond, queued);
        }
    }
}
