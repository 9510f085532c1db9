package dev.posthorn.benchmarks;

import java.util.Map;

/** One question to the whole of Posthorn. */
interface Scenario {
    /** Measures, prints what it found, and returns the figures by name. */
    Map<String, Double> run(Stage stage, Effort effort) throws Exception;

    /**
     * How much is done.
     *
     * @param deliveries of one round
     * @param rounds that count
     * @param warmUps rounds before them
     */
    record Effort(int deliveries, int rounds, int warmUps) {}
}
