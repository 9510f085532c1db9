package dev.posthorn.benchmarks;

import static dev.posthorn.benchmarks.BenchRun.assertPositive;
import static dev.posthorn.benchmarks.BenchRun.bench;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The scenarios that load the queue most run as their user runs them, with numbers that say nothing about speed. */
class QueueBenchTest {
    private static final List<String> USAGE = List.of(
            "engine_cpu_us_per_delivery",
            "postgres_cpu_us_per_delivery",
            "cpu_us_per_delivery",
            "receiver_cpu_us_per_delivery",
            "wal_bytes_per_delivery",
            "statements_per_delivery");

    @Test
    void drain_tells_what_a_delivery_costs() {
        JsonNode told = bench("drain --deliveries 1500 --rounds 3 --warm-ups 1 --json");
        assertPositive(told, "deliveries_per_s", "wal_bytes_of_acceptance", "wal_bytes_beyond_payload");
        assertPositive(told, USAGE);
        assertThat(told.get("duplicates").asLong()).isZero();
        assertThat(told.get("spread").get("deliveries_per_s").get(0).asDouble())
                .isLessThanOrEqualTo(told.get("deliveries_per_s").asDouble());
        assertThat(told.get("postgres_settings").asString()).contains("fsync on");
    }

    @Test
    void drain_goes_over_tls() {
        JsonNode told = bench("drain --tls --deliveries 300 --rounds 1 --warm-ups 0 --json");
        assertPositive(told, "deliveries_per_s");
    }

    @Test
    void drain_keeps_a_rate_limit() {
        JsonNode told = bench("drain --rate-limit 2 --deliveries 500 --rounds 1 --warm-ups 0 --json");
        assertThat(told.get("deliveries_per_s").asDouble())
                .as("one at once, then two a second, to each of 100 endpoints")
                .isBetween(0.1, 252.0);
    }

    @Test
    void ingest_counts_what_is_stored_by_each_way() {
        JsonNode told = bench("ingest --seconds 1 --rounds 1 --batch 50 --rest-connections 4 --json");
        for (String way : List.of("sql_single", "sql_batch", "rest_single", "rest_batch")) {
            assertPositive(
                    told,
                    way + "_events_per_s",
                    way + "_engine_cpu_us_per_event",
                    way + "_wal_bytes_per_event",
                    way + "_statements_per_event");
        }
    }

    @Test
    @Tag("full")
    void latency_is_measured_from_the_commit_in_every_part() {
        JsonNode told = bench("latency --rate 50 --seconds 3 --idle-seconds 3 --warm-up-seconds 1 --rounds 1 --json");
        for (String part : List.of("idle", "steady", "writers", "held")) {
            assertPositive(told, part + "_p50_ms", part + "_p95_ms", part + "_p99_ms", part + "_max_ms");
            assertThat(told.get(part + "_p50_ms").asDouble())
                    .isLessThanOrEqualTo(told.get(part + "_max_ms").asDouble());
        }
        // One a second for three seconds, fifty a second twice, and at least one transaction of each writer that held
        // it open.
        assertThat(told.get("events").asLong()).isGreaterThanOrEqualTo(3 + 2 * 150 + 16);
    }

    @Test
    @Tag("full")
    void fairness_compares_healthy_endpoints_with_and_without_company() {
        JsonNode told =
                bench("fairness --healthy 5 --deliveries 500 --waiting 1000 --slow-waiting 100 --rate 50 --seconds 2"
                        + " --rounds 1 --warm-ups 0 --json");
        for (String with : List.of("alone", "beside", "held")) {
            assertPositive(told, with + "_deliveries_per_s", with + "_p99_ms");
        }
        assertPositive(told, "beside_to_alone_throughput", "held_to_alone_throughput", "beside_to_alone_p99");
    }
}
