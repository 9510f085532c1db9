package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.faults.FaultsCommand;
import dev.posthorn.server.PosthornException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program of {@code ./posthorn bench} and {@code ./posthorn faults}. */
@Command(
        name = "posthorn",
        mixinStandardHelpOptions = true,
        subcommands = {BenchCommand.class, FaultsCommand.class})
public final class Main {
    private static final int DEFECT = 70;

    private Main() {}

    /** Runs the command line and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs a command line and returns the exit code. */
    static int run(String... arguments) {
        CommandLine commandLine = new CommandLine(new Main());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler((failure, command, parsed) -> tell(failure));
        return commandLine.execute(arguments);
    }

    private static int tell(Exception failure) {
        if (failure instanceof PosthornException known) {
            System.err.println("posthorn: " + known.getMessage());
            return known.exitCode();
        }
        System.err.println("posthorn: the run broke off: " + failure);
        // Whoever runs this is an engineer, and where it broke off is what he needs to know.
        failure.printStackTrace();
        return DEFECT;
    }
}
