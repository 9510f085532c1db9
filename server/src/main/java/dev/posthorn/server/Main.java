package dev.posthorn.server;

import dev.posthorn.server.cli.PosthornCommand;

/** The program: {@code ./posthorn}. */
public final class Main {
    private Main() {}

    /** Runs the command line and exits with its code. */
    public static void main(String[] arguments) {
        System.exit(PosthornCommand.run(arguments));
    }
}
