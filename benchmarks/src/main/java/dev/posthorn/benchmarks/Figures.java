package dev.posthorn.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What was measured: by name the values of several rounds, of which median and spread are told, and counts, which are summed. Names end
 * with their unit. For one thread.
 */
public final class Figures {
    private final Map<String, List<Double>> rounds = new LinkedHashMap<>();
    private final Map<String, Long> counts = new LinkedHashMap<>();
    private final Map<String, double[]> series = new LinkedHashMap<>();

    /** A value of one round. */
    public void add(String name, double value) {
        rounds.computeIfAbsent(name, first -> new ArrayList<>()).add(value);
    }

    /** The values of one round. */
    public void add(Map<String, Double> round) {
        round.forEach(this::add);
    }

    /** Adds to a count: what must never hide behind a median. */
    public void count(String name, long number) {
        counts.merge(name, number, Long::sum);
    }

    /** Values over time; a later round takes the place of an earlier one. */
    public void over(String name, double[] values) {
        series.put(name, values.clone());
    }

    /** The median of the rounds, the mean of the two in the middle if they are even in number; NaN if there is none. */
    public double median(String name) {
        List<Double> values = sorted(name);
        int size = values.size();
        return size == 0 ? Double.NaN : (values.get((size - 1) / 2) + values.get(size / 2)) / 2;
    }

    /** A ratio of two medians, as a figure of its own. */
    public void ratio(String name, String of, String to) {
        add(name, median(of) / median(to));
    }

    /** The sum of a count, 0 if nothing was counted. */
    public long total(String name) {
        return counts.getOrDefault(name, 0L);
    }

    /** Prints all of it. */
    public void print() {
        rounds.keySet().forEach(name -> {
            List<Double> values = sorted(name);
            String spread = values.size() == 1
                    ? ""
                    : String.format(
                            Locale.ROOT,
                            "   (%.3f to %.3f, %d rounds)",
                            values.getFirst(),
                            values.getLast(),
                            values.size());
            System.out.printf(Locale.ROOT, "  %-44s %14.3f%s%n", name, median(name), spread);
        });
        counts.forEach((name, number) -> System.out.printf(Locale.ROOT, "  %-44s %10d%n", name, number));
    }

    /** For JSON: medians, counts and series by name, and under {@code spread} the smallest and largest of each that had several rounds. What could not be measured is left out. */
    public Map<String, Object> asMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        Map<String, Object> spread = new LinkedHashMap<>();
        rounds.keySet().forEach(name -> {
            List<Double> values = sorted(name);
            if (values.stream().allMatch(Double::isFinite)) {
                map.put(name, rounded(median(name)));
            }
            if (values.size() > 1 && map.containsKey(name)) {
                spread.put(name, List.of(rounded(values.getFirst()), rounded(values.getLast())));
            }
        });
        map.putAll(counts);
        map.putAll(series);
        map.put("spread", spread);
        return map;
    }

    private List<Double> sorted(String name) {
        return rounds.getOrDefault(name, List.of()).stream().sorted().toList();
    }

    private static double rounded(double value) {
        return Math.rint(value * 1e6) / 1e6;
    }
}
