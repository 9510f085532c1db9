package dev.posthorn.server.node;

import dev.posthorn.apikeys.verify.KeyVerifierListener;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.settle.SettledDelivery;
import dev.posthorn.server.rest.ApiDatabase;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What {@code /metrics} shows. No label names a tenant, so that their number does not make series. */
final class Metrics implements DeliveryListener {
    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);
    private static final Duration DISK_INTERVAL = Duration.ofMinutes(1);

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicLong measuredNanos = new AtomicLong(System.nanoTime() - DISK_INTERVAL.toNanos());
    private final DeliveryListener next;
    private volatile Runnable sizes = () -> {};

    Metrics(DeliveryListener next) {
        this.next = next;
    }

    void watch(IntSupplier inFlight, IntSupplier ready) {
        gauge("posthorn.deliveries.in.flight", "Deliveries under way on this node", inFlight);
        gauge("posthorn.ready", "1 while the database hears this node and it can send", ready);
    }

    /** Watches the tables' sizes; the database is asked once a minute at most, and while it is away the last answer stands. */
    void watchDisk(ApiDatabase database) {
        MultiGauge gauge = MultiGauge.builder("posthorn.disk")
                .description("Space that a table takes, its days and indexes included")
                .baseUnit("bytes")
                .register(registry);
        sizes = () -> {
            try {
                gauge.register(
                        database.rows("SELECT part || ' ' || bytes FROM posthorn.disk_use").stream()
                                .map(line -> line.split(" ", 2))
                                .map(part -> MultiGauge.Row.of(Tags.of("table", part[0]), Long.parseLong(part[1])))
                                .toList(),
                        true);
            } catch (SQLException e) {
                LOG.debug("the sizes of tables are not known", e);
            }
        };
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
        Counter refused = Counter.builder("posthorn.api.key.lookups.refused")
                .description(
                        "Calls with API keys new to this node that were not judged, because too many that do not exist were presented")
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
            public void lookupRefused() {
                refused.increment();
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
        long now = System.nanoTime();
        long last = measuredNanos.get();
        if (now - last >= DISK_INTERVAL.toNanos() && measuredNanos.compareAndSet(last, now)) {
            sizes.run();
        }
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
