package dev.posthorn.benchmarks.faults.stage;

import java.io.IOException;
import java.util.concurrent.TimeUnit;

/** Programs of the operating system. */
public final class Command {
    private Command() {}

    /** Runs one and returns whether it ended well within half a minute; a program that is not there has not, nor one that we are interrupted at. */
    public static boolean run(String... words) {
        try {
            Process process = new ProcessBuilder(words)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return false;
            }
            return process.exitValue() == 0;
        } catch (IOException missing) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
