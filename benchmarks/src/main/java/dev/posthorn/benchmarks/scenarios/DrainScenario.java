package dev.posthorn.benchmarks.scenarios;

import dev.posthorn.benchmarks.Figures;
import dev.posthorn.benchmarks.Scenario;
import dev.posthorn.benchmarks.Settled;
import dev.posthorn.benchmarks.Stage;
import dev.posthorn.benchmarks.Usage;
import dev.posthorn.benchmarks.load.Payloads;
import dev.posthorn.benchmarks.receiver.Certificate;
import dev.posthorn.benchmarks.receiver.ReceiverProcess;
import dev.posthorn.delivery.engine.DeliveryEngine;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Deliveries that wait are sent: how many a second, and what each costs. */
@Command(
        name = "drain",
        mixinStandardHelpOptions = true,
        description = "Sends deliveries of 1 KB that wait for 100 endpoints: how many a second, and what each costs.")
public final class DrainScenario extends Scenario {
    static final int ENDPOINTS = 100;

    @Option(names = "--deliveries", defaultValue = "100000", description = "in one round (${DEFAULT-VALUE})")
    private int deliveries;

    @Option(names = "--rounds", defaultValue = "5", description = "that count (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--warm-ups", defaultValue = "2", description = "rounds before them (${DEFAULT-VALUE})")
    private int warmUps;

    @Option(names = "--tls", description = "over kept-alive TLS 1.3")
    private boolean tls;

    @Option(
            names = "--rate-limit",
            paramLabel = "<per second>",
            description = "each endpoint has this rate_limit; 1000000 keeps nothing back and shows what counting costs")
    private @Nullable Integer rateLimit;

    @Override
    protected Stage open() throws Exception {
        return Stage.open(tls ? Certificate.make() : null);
    }

    @Override
    protected Figures run(Stage stage) throws Exception {
        atLeast(1, "--deliveries", deliveries);
        atLeast(1, "--rounds", rounds);
        Stage.Tenant tenant = stage.tenant(ENDPOINTS, "/ok/");
        if (rateLimit != null) {
            atLeast(1, "--rate-limit", rateLimit);
            stage.set(tenant, "rate_limit = " + rateLimit);
        }
        warmUp(stage, tenant, deliveries, warmUps);
        Figures figures = new Figures();
        for (int round = 1; round <= rounds; round++) {
            say("round %d: %.0f deliveries/s", round, round(stage, tenant, deliveries, figures, ""));
        }
        return figures;
    }

    /** Rounds that do not count, so that the JVM has compiled what it will run. */
    static void warmUp(Stage stage, Stage.Tenant tenant, int deliveries, int rounds) throws Exception {
        for (int round = 1; round <= rounds; round++) {
            say("warm-up %d: %.0f deliveries/s", round, round(stage, tenant, deliveries, new Figures(), ""));
        }
    }

    /**
     * Queues, then drains with an engine that is started for it and stopped after it.
     *
     * @param prefix of the figures' names
     * @return deliveries per second, from the start of the engine until the last result is on disk
     */
    static double round(Stage stage, Stage.Tenant tenant, int deliveries, Figures figures, String prefix)
            throws Exception {
        stage.receiver().count();
        long walBefore = stage.database().walBytes();
        long queueing = System.nanoTime();
        stage.queue(tenant, deliveries);
        double queued = (System.nanoTime() - queueing) / 1e9;
        double walOfAcceptance = (double) (stage.database().walBytes() - walBefore) / deliveries;
        Settled settled = new Settled();
        Usage before;
        Usage after;
        try (DeliveryEngine engine = stage.engine(settled)) {
            before = Usage.now(stage);
            engine.start();
            settled.await(deliveries, Duration.ofMinutes(10));
            stage.database().flush();
            after = Usage.now(stage);
        }
        ReceiverProcess.Count arrived = stage.receiver().count();
        double perSecond = deliveries / after.secondsSince(before);
        figures.add(prefix + "deliveries_per_s", perSecond);
        after.since(before, deliveries, "delivery").forEach((name, value) -> {
            if (name.equals("wal_bytes_per_delivery")) {
                figures.add(prefix + "wal_bytes_of_sending", value);
                figures.add(prefix + "wal_bytes_of_acceptance", walOfAcceptance);
                figures.add(prefix + name, value + walOfAcceptance);
                figures.add(prefix + "wal_bytes_beyond_payload", value + walOfAcceptance - Payloads.BYTES);
            } else {
                figures.add(prefix + name, value);
            }
        });
        figures.add(prefix + "queued_per_s_one_writer", deliveries / queued);
        figures.count("lost", (long) deliveries - arrived.deliveries());
        figures.count("duplicates", arrived.duplicates());
        return perSecond;
    }
}
