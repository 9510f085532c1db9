package dev.posthorn.integrations;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.RunLog;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.json.JsonMapper;

/** What connectors are given in tests: the network is this machine alone, the clock stands still. */
public final class TestContext implements AutoCloseable {
    /** Where the clock stands. */
    public static final Instant NOW = Instant.parse("2026-11-25T12:00:00Z");

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Outbound network = new Outbound(AddressPolicy.allowing(List.of("127.0.0.0/8")));
    private final List<String> lines = new CopyOnWriteArrayList<>();

    /** With a configuration as JSON text, where single quotes stand for double ones. */
    public ConnectorContext of(String configuration, Map<String, String> credentials) {
        return of(configuration, credentials, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    /** The same with a clock. */
    public ConnectorContext of(String configuration, Map<String, String> credentials, Clock clock) {
        return new ConnectorContext(
                UUID.fromString("0198c0de-0000-7000-8000-000000000001"),
                JSON.readTree(configuration.replace('\'', '"')),
                Credentials.of(credentials),
                network,
                new Lines(),
                clock);
    }

    /** What went into the log. */
    public List<String> lines() {
        return lines;
    }

    /** The network. */
    public Outbound network() {
        return network;
    }

    @Override
    public void close() {
        network.close();
    }

    private final class Lines implements RunLog {
        @Override
        public void info(String line) {
            lines.add(line);
        }

        @Override
        public void warn(String line) {
            lines.add(line);
        }
    }
}
