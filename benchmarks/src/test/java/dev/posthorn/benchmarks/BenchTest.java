package dev.posthorn.benchmarks;

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

/** Each scenario runs as its user runs it, with numbers that say nothing about speed. */
class BenchTest {
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

    private static void assertPositive(JsonNode told, List<String> figures) {
        assertThat(figures).allSatisfy(figure -> {
            assertThat(told.has(figure)).as(figure + " is told").isTrue();
            assertThat(told.get(figure).asDouble()).as(figure).isPositive();
        });
    }

    private static void assertPositive(JsonNode told, String... figures) {
        assertPositive(told, List.of(figures));
    }

    private static JsonNode bench(String arguments) {
        JsonNode told = lastLine(0, arguments);
        // Not told where nothing is delivered.
        assertThat(told.path("lost").asLong(0)).as("lost").isZero();
        assertThat(told.get("cores").asInt()).isPositive();
        return told;
    }

    private static JsonNode lastLine(int exitCode, String arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertThat(Main.run(("bench " + arguments).split(" ", -1)))
                    .as(arguments)
                    .isEqualTo(exitCode);
        } finally {
            System.setOut(before);
        }
        List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
        return JsonMapper.builder().build().readTree(lines.getLast());
    }
}
