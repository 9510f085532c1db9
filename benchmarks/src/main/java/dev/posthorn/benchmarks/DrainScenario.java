package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.receiver.ReceiverProcess;
import dev.posthorn.delivery.engine.DeliveryEngine;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** Deliveries that wait are sent: how many a second, and what each costs. */
final class DrainScenario implements Scenario {
    private static final int ENDPOINTS = 100;

    @Override
    public Map<String, Double> run(Stage stage, Effort effort) throws Exception {
        Stage.Tenant tenant = stage.tenant(ENDPOINTS, "/ok/");
        Figures figures = new Figures();
        for (int round = -effort.warmUps(); round < effort.rounds(); round++) {
            Map<String, Double> measured = round(stage, tenant, effort.deliveries());
            System.out.printf(
                    "%s: %.0f deliveries/s%n",
                    round < 0 ? "warm-up" : "round " + (round + 1),
                    measured.getOrDefault("deliveries_per_s", Double.NaN));
            if (round >= 0) {
                figures.add(measured);
            }
        }
        figures.print("drain of " + effort.deliveries() + " waiting deliveries of 1 KB, " + ENDPOINTS + " endpoints");
        return figures.medians();
    }

    /** Queues, then drains with an engine that is started for it and stopped after it. */
    static Map<String, Double> round(Stage stage, Stage.Tenant tenant, int deliveries) throws Exception {
        stage.receiver().count();
        long walBefore = stage.database().walBytes();
        long queueing = System.nanoTime();
        stage.queue(tenant, deliveries);
        double queued = (System.nanoTime() - queueing) / 1e9;
        long walOfAcceptance = stage.database().walBytes() - walBefore;
        Settled settled = new Settled();
        Map<String, Double> figures;
        try (DeliveryEngine engine = stage.engine(settled)) {
            Usage before = Usage.now(stage);
            engine.start();
            settled.await(deliveries, Duration.ofMinutes(10));
            stage.database().flush();
            figures = new LinkedHashMap<>(Usage.now(stage).since(before, deliveries));
        }
        ReceiverProcess.Count arrived = stage.receiver().count();
        double drained = figures.getOrDefault("wal_bytes_per_delivery", Double.NaN);
        figures.put("wal_bytes_of_acceptance", (double) walOfAcceptance / deliveries);
        figures.put("wal_bytes_per_delivery", drained + (double) walOfAcceptance / deliveries);
        figures.put("wal_bytes_beyond_payload", drained + (double) walOfAcceptance / deliveries - Stage.PAYLOAD_BYTES);
        figures.put("queued_per_s_one_writer", deliveries / queued);
        figures.put("lost", (double) deliveries - arrived.deliveries());
        figures.put("duplicates", (double) arrived.duplicates());
        return figures;
    }
}
