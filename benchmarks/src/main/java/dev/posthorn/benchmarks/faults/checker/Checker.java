package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Transaction;
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

    private static long secondsOfAcceptance(RunLogs logs) {
        long first =
                logs.transactions.stream().mapToLong(Transaction::begun).min().orElse(0);
        long last =
                logs.transactions.stream().mapToLong(Transaction::ended).max().orElse(0);
        return (last - first) / 1_000_000;
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
        verdict.setProperty("held", Integer.toString(resends.held()));
        verdict.setProperty("held_most", Integer.toString(resends.most()));
        verdict.setProperty("held_taken", Integer.toString(resends.taken()));
        verdict.setProperty("resent_within_6", Integer.toString(resends.within6()));
        verdict.setProperty("resent_within_15", Integer.toString(resends.within15()));
        verdict.setProperty("resent_longest_ms", Long.toString(resends.longestMicros() / 1000));
        verdict.setProperty("held_disabled", Integer.toString(resends.disabled()));
        verdict.setProperty("resent_disabled_longest_ms", Long.toString(resends.longestDisabledMicros() / 1000));
        verdict.setProperty("seconds", Long.toString(secondsOfAcceptance(logs)));
        verdict.setProperty("examples", String.join("\n", findings.examples()));
        return verdict;
    }
}
