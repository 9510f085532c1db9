package dev.posthorn.integrations.conformance;

import static dev.posthorn.integrations.conformance.Examination.require;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.RunLog;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.JsonNode;

/** What a connector is given while it is examined, and what it wrote into the log. */
final class Surroundings {
    private static final String CANARY = "canary-0f4c9d27-not-to-be-seen";

    private final JsonNode configuration;
    private final Outbound network;
    private final Clock clock;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    Surroundings(JsonNode configuration, Outbound network, Clock clock) {
        this.configuration = configuration;
        this.network = network;
        this.clock = clock;
    }

    ConnectorContext with(Credentials credentials) {
        RunLog log = new RunLog() {
            @Override
            public void info(String line) {
                lines.add(line);
            }

            @Override
            public void warn(String line) {
                lines.add(line);
            }
        };
        return new ConnectorContext(new UUID(0, 1), configuration, credentials, network, log, clock);
    }

    /** A secret that is none, and that can be found again wherever it is told. */
    static String canary(String name) {
        return CANARY + "-" + name;
    }

    /** Breaks if a canary stands in a failure, in what caused it, or in the log. */
    void requireSecrecy(Throwable failure) throws Examination.BrokenException {
        int depth = 0;
        for (Throwable cause = failure; cause != null && depth < 20; cause = cause.getCause()) {
            require(!tells(String.valueOf(cause)), "a " + cause.getClass().getName() + " tells a credential");
            depth++;
        }
        requireSecrecy();
    }

    /** Breaks if a canary stands in the log. */
    void requireSecrecy() throws Examination.BrokenException {
        require(lines.stream().noneMatch(Surroundings::tells), "the log tells a credential");
    }

    static boolean tells(String text) {
        return text.contains(CANARY);
    }
}
