package dev.posthorn.benchmarks.faults;

import dev.posthorn.benchmarks.faults.checker.Finding;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Properties;
import java.util.stream.Collectors;

/**
 * What the checker says about a run.
 *
 * @param properties as it wrote them
 */
record Verdict(Properties properties) {
    static Verdict read(LogFiles files) throws IOException {
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(files.verdict())) {
            properties.load(in);
        }
        return new Verdict(properties);
    }

    int count(Finding finding) {
        return number(finding.key());
    }

    int number(String name) {
        String value = properties.getProperty(name);
        if (value == null) {
            throw new IllegalStateException("the verdict has no " + name);
        }
        return Integer.parseInt(value);
    }

    boolean isClean() {
        return Arrays.stream(Finding.values()).allMatch(finding -> count(finding) == 0);
    }

    /** All that was found, in one line. */
    String findings() {
        return Arrays.stream(Finding.values())
                .filter(finding -> count(finding) > 0)
                .map(finding -> finding.key() + " " + count(finding))
                .collect(Collectors.joining(", "));
    }

    String examples() {
        return properties.getProperty("examples", "");
    }
}
