package dev.posthorn.integrations.conformance;

import java.util.List;

/**
 * What was checked and what was found.
 *
 * @param kept rules that were checked and are kept
 * @param findings what is not as it must be
 * @param skipped rules that could not be checked, and why
 */
public record ConformanceReport(List<String> kept, List<Finding> findings, List<String> skipped) {
    /**
     * Something that is not as it must be.
     *
     * @param rule that is broken
     * @param detail how that showed
     */
    public record Finding(String rule, String detail) {}

    /** Keeps copies of the lists. */
    public ConformanceReport {
        kept = List.copyOf(kept);
        findings = List.copyOf(findings);
        skipped = List.copyOf(skipped);
    }

    /** Whether nothing was found. */
    public boolean conforms() {
        return findings.isEmpty();
    }

    /** Line by line, for people. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        findings.forEach(each -> text.append("BROKEN  ")
                .append(each.rule())
                .append(": ")
                .append(each.detail())
                .append('\n'));
        kept.forEach(each -> text.append("kept    ").append(each).append('\n'));
        skipped.forEach(each -> text.append("skipped ").append(each).append('\n'));
        return text.toString();
    }
}
