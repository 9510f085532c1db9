package dev.posthorn.benchmarks;

import dev.posthorn.server.PosthornException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** One question to the whole of Posthorn: a command whose options say how hard it is asked. */
public abstract class Scenario implements Callable<Integer> {
    /** Exit code where something was lost. */
    static final int LOST = 1;

    private static final int INTERRUPTED = 130;

    @Option(names = "--json", description = "the last line is one JSON object")
    private boolean json;

    /** Measures; prints what happens on the way, not the figures. */
    protected abstract Figures run(Stage stage) throws Exception;

    /** What it plays on. */
    protected Stage open() throws Exception {
        return Stage.open();
    }

    @Override
    public final Integer call() throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        Figures figures = measure(result);
        result.putAll(figures.asMap());
        return end(result, json, figures.total("lost"));
    }

    /** Sets the stage, measures and prints; puts what it ran on into {@code about}. */
    final Figures measure(Map<String, Object> about) throws Exception {
        try (Stage stage = open()) {
            Machine machine = Machine.of(stage.database());
            about.putAll(machine.asMap());
            System.out.println(name() + ": " + machine);
            Figures figures = played(stage);
            System.out.println(name() + ":");
            figures.print();
            return figures;
        }
    }

    /** Runs it; where this process is told to end meanwhile, what fails because of that is not told as if it were a finding. */
    private Figures played(Stage stage) throws Exception {
        try {
            return run(stage);
        } catch (Exception e) {
            if (stage.isClosed()) {
                throw new PosthornException(INTERRUPTED, name() + " was interrupted");
            }
            throw e;
        }
    }

    final String name() {
        Command command = getClass().getAnnotation(Command.class);
        return command == null ? getClass().getSimpleName() : command.name();
    }

    static int end(Map<String, Object> result, boolean json, long lost) {
        if (lost > 0) {
            System.err.println("posthorn: " + lost + " were lost");
        }
        if (json) {
            System.out.println(JsonMapper.builder().build().writeValueAsString(result));
        }
        return lost > 0 ? LOST : 0;
    }

    /** Says on one line what a round came to. */
    protected static void say(String format, Object... arguments) {
        System.out.printf(java.util.Locale.ROOT, "  " + format + "%n", arguments);
    }

    /**
     * An option that must be at least something.
     *
     * @throws PosthornException naming the option if it is less
     */
    protected static void atLeast(int least, String option, int value) {
        if (value < least) {
            throw new PosthornException(2, option + " must be at least " + least + ", it is " + value);
        }
    }
}
