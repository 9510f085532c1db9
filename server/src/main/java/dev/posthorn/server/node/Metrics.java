package dev.posthorn.server.node;

import dev.posthorn.apikeys.verify.KeyVerifierListener;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.settle.SettledDelivery;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.function.IntSupplier;

/** What {@code /metrics} shows. No label names a tenant, so that their number does not make series. */
final class Metrics implements DeliveryListener {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final DeliveryListener next;

    Metrics(DeliveryListener next) {
        this.next = next;
    }

    void watch(IntSupplier inFlight, IntSupplier ready) {
        gauge("posthorn.deliveries.in.flight", "Deliveries under way on this node", inFlight);
        gauge("posthorn.ready", "1 while the database hears this node", ready);
    }

    private void gauge(String name, String description, IntSupplier value) {
        Gauge.builder(name, value, IntSupplier::getAsInt)
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    /** Counts what becomes of API keys. */
    KeyVerifierListener apiKeys() {
        Counter skipped = Counter.builder("posthorn.api.key.limits.skipped")
                .description("Calls that were let through because their rate limit could not be drawn")
                .register(registry);
        return new KeyVerifierListener() {
            @Override
            public void verified(String code) {
                registry.counter("posthorn.api.key.verifications", "code", code).increment();
            }

            @Override
            public void limitSkipped() {
                skipped.increment();
            }

            @Override
            public void failed(String loop, Exception failure) {
                registry.counter("posthorn.loop.failures", "loop", loop).increment();
            }
        };
    }

    void watchApiKeys(IntSupplier hearing) {
        gauge(
                "posthorn.api.keys.hearing",
                "1 while changes of API keys are heard of and verified keys are remembered",
                hearing);
    }

    String scrape() {
        return registry.scrape();
    }

    @Override
    public void settled(SettledDelivery delivery) {
        int millis = switch (delivery.outcome()) {
            case AttemptOutcome.Answered answered -> answered.durationMillis();
            case AttemptOutcome.Unanswered unanswered -> unanswered.durationMillis();
            case AttemptOutcome.Unsent unsent -> throw new IllegalArgumentException(unsent.reason());
        };
        Timer.builder("posthorn.attempts")
                .description("Attempts recorded, by the delivery's status afterwards")
                .tag("status", delivery.superseded() ? "superseded" : delivery.status())
                .register(registry)
                .record(Duration.ofMillis(millis));
        next.settled(delivery);
    }

    @Override
    public void failed(String what, Exception failure) {
        registry.counter("posthorn.loop.failures", "loop", what).increment();
        next.failed(what, failure);
    }
}
