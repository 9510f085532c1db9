package dev.posthorn.benchmarks.load;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Durations that were measured. Immutable. */
public final class Latencies {
    private final long[] sorted;

    /** @param nanos in any order; copied */
    public Latencies(long[] nanos) {
        sorted = nanos.clone();
        Arrays.sort(sorted);
    }

    /** In milliseconds: the smallest that at least so many percent do not exceed (nearest rank); NaN if there is none. */
    public double percentile(double percent) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        int rank = (int) Math.ceil(sorted.length * percent / 100);
        return sorted[Math.clamp(rank - 1, 0, sorted.length - 1)] / 1e6;
    }

    /** {@code p50_ms, p95_ms, p99_ms, max_ms} behind a prefix. */
    public Map<String, Double> figures(String prefix) {
        Map<String, Double> figures = new LinkedHashMap<>();
        figures.put(prefix + "p50_ms", percentile(50));
        figures.put(prefix + "p95_ms", percentile(95));
        figures.put(prefix + "p99_ms", percentile(99));
        figures.put(prefix + "max_ms", percentile(100));
        return figures;
    }
}
