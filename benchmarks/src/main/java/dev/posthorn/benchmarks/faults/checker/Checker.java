package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.log.LogFiles;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;

/**
 * The program that judges. Arguments: the folders of runs, in any order and under any name; nothing else is known of them. Writes a
 * verdict into each, with up to five examples of each finding.
 */
public final class Checker {
    private Checker() {}

    /** Runs it. */
    public static void main(String[] arguments) throws IOException {
        for (String folder : arguments) {
            LogFiles files = new LogFiles(Path.of(folder));
            Properties verdict = judge(files);
            try (Writer out = Files.newBufferedWriter(files.verdict())) {
                verdict.store(out, "what the checker found");
            }
        }
    }

    /** Judges one run. */
    static Properties judge(LogFiles files) throws IOException {
        RunLogs logs = new RunLogs(files);
        Findings findings = new Findings();
        AcceptanceJudge acceptance = new AcceptanceJudge(logs, findings);
        acceptance.judge();
        DeliveryJudge deliveries = new DeliveryJudge(logs, findings);
        deliveries.judge();
        new SignatureJudge(logs, findings).judge();
        OrderJudge order = new OrderJudge(logs, findings);
        order.judge();
        Resends resends = Resends.of(logs);

        Properties verdict = new Properties();
        for (Finding finding : Finding.values()) {
            verdict.setProperty(finding.key(), Integer.toString(findings.count(finding)));
        }
        verdict.setProperty("accepted", Integer.toString(acceptance.accepted()));
        verdict.setProperty("deliveries", Integer.toString(logs.deliveries.size()));
        verdict.setProperty(
                "requests",
                Integer.toString(
                        logs.requests.values().stream().mapToInt(List::size).sum()));
        verdict.setProperty("duplicates", Integer.toString(deliveries.duplicates()));
        verdict.setProperty("explained", Integer.toString(deliveries.explained()));
        verdict.setProperty("ordered", Integer.toString(order.judged()));
        verdict.setProperty("resent", Integer.toString(resends.count()));
        verdict.setProperty("resent_95_ms", Long.toString(resends.within95() / 1000));
        verdict.setProperty("resent_longest_ms", Long.toString(resends.longest() / 1000));
        verdict.setProperty("examples", String.join("\n", findings.examples()));
        return verdict;
    }
}
