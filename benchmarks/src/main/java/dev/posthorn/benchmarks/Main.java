package dev.posthorn.benchmarks;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program of {@code ./posthorn bench}. */
@Command(
        name = "posthorn",
        mixinStandardHelpOptions = true,
        subcommands = {BenchCommand.class})
public final class Main {
    private Main() {}

    /** Runs the command line and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Main()).execute(arguments));
    }
}
