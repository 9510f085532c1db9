package dev.posthorn.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The figures of several rounds: median and spread of each. */
final class Figures {
    private final Map<String, List<Double>> rounds = new LinkedHashMap<>();

    void add(Map<String, Double> round) {
        round.forEach((name, value) ->
                rounds.computeIfAbsent(name, key -> new ArrayList<>()).add(value));
    }

    double median(String name) {
        double[] values = sorted(name);
        return values.length == 0 ? Double.NaN : values[values.length / 2];
    }

    /** By name: the median. */
    Map<String, Double> medians() {
        Map<String, Double> medians = new LinkedHashMap<>();
        rounds.keySet().forEach(name -> medians.put(name, median(name)));
        return medians;
    }

    void print(String title) {
        System.out.println(title);
        rounds.keySet().forEach(name -> {
            double[] values = sorted(name);
            System.out.printf(
                    Locale.ROOT,
                    "  %-32s %12.3f   (%.3f to %.3f, %d rounds)%n",
                    name,
                    values[values.length / 2],
                    values[0],
                    values[values.length - 1],
                    values.length);
        });
    }

    private double[] sorted(String name) {
        double[] values = rounds.getOrDefault(name, List.of()).stream()
                .mapToDouble(Double::doubleValue)
                .toArray();
        Arrays.sort(values);
        return values;
    }

    /** A percentile of values in any order. */
    static double percentile(long[] values, double percent) {
        if (values.length == 0) {
            return Double.NaN;
        }
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[(int) Math.min(sorted.length - 1, Math.ceil(sorted.length * percent / 100) - 1)];
    }
}
