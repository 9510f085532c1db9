package dev.posthorn.benchmarks;

import static dev.posthorn.benchmarks.BenchRun.assertPositive;
import static dev.posthorn.benchmarks.BenchRun.bench;
import static dev.posthorn.benchmarks.BenchRun.lastLine;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The other scenarios run as their user runs them, with numbers that say nothing about speed. */
class BenchTest {
    @Test
    void deadlines_tells_how_late_each_kind_ends() {
        JsonNode told = bench("deadlines --attempts 5 --healthy 2 --json");
        for (String kind : List.of(
                "silence",
                "dripping_headers",
                "dripping_body",
                "slow_handshake",
                "shut_window",
                "silent_name_service")) {
            assertPositive(told, kind + "_overshoot_p99_ms");
        }
        assertPositive(told, "healthy_per_s");
    }

    @Test
    void start_waits_for_the_first_delivery() {
        JsonNode told = bench("start --rounds 1 --json");
        assertPositive(told, "first_delivery_s", "serving_s");
    }

    @Test
    void keys_are_verified_at_both_doors_and_invented_ones_are_refused() {
        JsonNode told =
                bench("keys --keys 20 --seconds 1 --rounds 1 --connections 4 --rate 200 --wrong 500 --wrong-rate 500"
                        + " --wrong-addresses 0 --samples 1000 --json");
        assertPositive(
                told,
                "process_verifications_per_s",
                "forward_verifications_per_s",
                "forward_engine_cpu_us_per_verification",
                "verify_verifications_per_s",
                "paced_p99_ms",
                "alone_p99_ms",
                "flooded_p99_ms",
                "unknown_key_timing_t");
        assertThat(told.get("wrong").asLong()).isEqualTo(500);
        assertThat(told.get("wrong_accepted").asLong()).isZero();
        assertThat(told.get("wrong_refused").asLong()).isBetween(1L, 500L);
        assertThat(told.get("lookups_per_s").asDouble()).isPositive();
        assertThat(told.get("good_refused").asLong()).isZero();
        // One address; two hours, if one begins meanwhile, and the one for callers whose address is not known.
        assertThat(told.get("failure_rows").asLong()).isBetween(1L, 4L);
    }

    @Test
    @Tag("full")
    void snapshot_tells_throughput_over_time() {
        JsonNode told = bench("snapshot --seconds 4 --part-seconds 1 --rounds 1 --deliveries 500 --warm-ups 1 --json");
        assertPositive(told, "without_deliveries_per_s", "held_deliveries_per_s", "held_to_without");
        assertThat(told.get("held_deliveries_per_s_over_time").size()).isEqualTo(4);
    }

    @Test
    @Tag("full")
    void history_drains_beside_what_has_ended_and_what_waits() {
        JsonNode told = bench("history --ended 3000 --waiting 2000 --deliveries 500 --rounds 1 --warm-ups 0 --json");
        assertPositive(
                told,
                "empty_deliveries_per_s",
                "ended_deliveries_per_s",
                "waiting_deliveries_per_s",
                "ended_to_empty",
                "waiting_to_ended");
    }

    @Test
    @Tag("full")
    void retries_are_all_delivered_after_their_schedule() {
        JsonNode told = bench("retries --deliveries 1000 --seconds 3 --rounds 1 --warm-ups 0 --json");
        assertPositive(told, "drain_deliveries_per_s", "drain_cpu_us_per_delivery", "constant_deliveries_per_s");
        assertThat(told.get("retried").asLong()).isGreaterThanOrEqualTo(200);
        assertThat(told.get("drain_retry_after_p50_ms").asDouble()).isGreaterThan(1000);
        assertThat(told.get("constant_retry_after_p50_ms").asDouble()).isGreaterThan(1000);
    }

    @Test
    @Tag("full")
    void memory_is_looked_at_again_and_again() {
        JsonNode told = bench("memory --minutes 0.1 --part-seconds 3 --json");
        assertPositive(told, "heap_after_collection_mib", "heap_committed_mib", "resident_mib", "deliveries_per_s");
        assertThat(told.get("heap_after_collection_mib_over_time").size()).isEqualTo(2);
        assertThat(told.get("heap_committed_mib").asDouble()).isLessThanOrEqualTo(256);
    }

    @Test
    @Tag("full")
    void single_steps_are_measured_in_nanoseconds() {
        Map<String, Object> told = JsonMapper.builder()
                .build()
                .convertValue(
                        lastLine(0, "jmh --forks 0 --iterations 1 --millis 50 --json"),
                        new tools.jackson.core.type.TypeReference<Map<String, Object>>() {});
        assertThat(told)
                .containsKeys("SigningBenchmark.sign", "SigningBenchmark.verify", "ApiKeyBenchmark.verify")
                .allSatisfy((name, nanos) -> assertThat((Double) nanos).isPositive());
    }

    @Test
    void options_out_of_range_are_named() {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream before = System.err;
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            assertThat(Main.run("bench", "drain", "--deliveries", "0")).isEqualTo(2);
        } finally {
            System.setErr(before);
        }
        assertThat(err.toString(StandardCharsets.UTF_8))
                .contains("--deliveries must be at least 1")
                .doesNotContain("\tat ");
    }
}
