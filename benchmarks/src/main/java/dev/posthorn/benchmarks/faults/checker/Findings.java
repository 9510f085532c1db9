package dev.posthorn.benchmarks.faults.checker;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** What is wrong with a run, and how often. For one thread. */
final class Findings {
    private static final int SHOWN = 5;

    private final Map<Finding, Integer> counts = new EnumMap<>(Finding.class);
    private final Map<Finding, List<String>> examples = new EnumMap<>(Finding.class);

    void add(Finding kind, String sentence) {
        counts.merge(kind, 1, Integer::sum);
        List<String> shown = examples.computeIfAbsent(kind, key -> new ArrayList<>());
        if (shown.size() < SHOWN) {
            shown.add(sentence);
        }
    }

    int count(Finding kind) {
        return counts.getOrDefault(kind, 0);
    }

    /** A few of each kind. */
    List<String> examples() {
        List<String> lines = new ArrayList<>();
        examples.forEach((kind, sentences) -> sentences.forEach(sentence -> lines.add(kind.key() + ": " + sentence)));
        return lines;
    }
}
