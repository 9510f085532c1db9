package dev.posthorn.benchmarks.keys;

import java.util.Arrays;

/**
 * Whether two kinds of calls can be told apart by how long they take: Welch's t-test, as in Reparaz, Balasch and Verbauwhede, "Dude, is my
 * code constant time?" (2017). Immutable.
 */
public final class WelchTest {
    /** From here on the two kinds are told apart; that of dudect. */
    public static final double DISTINGUISHABLE = 4.5;

    /** What part of the durations of both kinds together is looked at: the longest are the machine's. */
    private static final double[] CROPS = {1, 0.99, 0.9, 0.5};

    private WelchTest() {}

    /** The largest |t| among all durations and those below certain percentiles of both kinds together. */
    public static double largest(double[] some, double[] others) {
        double[] all = Arrays.copyOf(some, some.length + others.length);
        System.arraycopy(others, 0, all, some.length, others.length);
        Arrays.sort(all);
        double largest = 0;
        for (double crop : CROPS) {
            double limit = all[(int) Math.min(all.length - 1, Math.round(all.length * crop) - 1)];
            largest = Math.max(largest, Math.abs(t(below(some, limit), below(others, limit))));
        }
        return largest;
    }

    private static double[] below(double[] values, double limit) {
        return Arrays.stream(values).filter(value -> value <= limit).toArray();
    }

    private static double t(double[] some, double[] others) {
        double difference = mean(some) - mean(others);
        double error = Math.sqrt(variance(some) / some.length + variance(others) / others.length);
        return difference == 0 ? 0 : difference / error;
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).average().orElseThrow(() -> new IllegalArgumentException("no durations"));
    }

    private static double variance(double[] values) {
        double mean = mean(values);
        return Arrays.stream(values)
                        .map(value -> (value - mean) * (value - mean))
                        .sum()
                / (values.length - 1);
    }
}
