package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.receiver.ReceiverProcess;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** What a scenario plays on: a database, a receiver in a process of its own, and engines in this one. */
final class Stage implements AutoCloseable {
    private static final int BATCH = 1000;

    private final BenchDatabase database;
    private final ReceiverProcess receiver;
    private final MasterKeyset masterKey = MasterKeyset.generate();
    private int communities;

    /**
     * A community with endpoints, each of which takes the event type of its number.
     *
     * @param id of the community
     */
    record Tenant(String id, int endpoints) {}

    private Stage(BenchDatabase database, ReceiverProcess receiver) {
        this.database = database;
        this.receiver = receiver;
    }

    static Stage open() throws IOException, SQLException {
        BenchDatabase database = BenchDatabase.open();
        return new Stage(database, new ReceiverProcess());
    }

    BenchDatabase database() {
        return database;
    }

    ReceiverProcess receiver() {
        return receiver;
    }

    /** As text, for a server. */
    String masterKey() {
        return masterKey.encoded();
    }

    /** An engine as an application embeds it, with nothing set that concerns speed. */
    DeliveryEngine engine(DeliveryListener listener) {
        return DeliveryEngine.builder(database.pool(), masterKey)
                .ownConnections(database.ownConnections())
                .addresses(AddressPolicy.allowing(List.of("127.0.0.1/32:" + receiver.port())))
                .listener(listener)
                .build();
    }

    /**
     * Makes a community with endpoints that have their secrets.
     *
     * @param path of each endpoint's URL; its number is appended
     */
    Tenant tenant(int endpoints, String path) throws SQLException {
        String id = "bench-" + ProcessHandle.current().pid() + "-" + ++communities;
        database.asService("INSERT INTO posthorn.communities (external_id, name) VALUES ('" + id + "', 'Benchmark');"
                + " INSERT INTO posthorn.webhook_endpoints (community_id, url, event_types)"
                + " SELECT posthorn.find_community('ext:" + id + "'), '" + receiver.url(path)
                + "' || n, ARRAY['bench.' || n]"
                + " FROM generate_series(1, " + endpoints + ") AS n");
        try (Connection connection = database.pool().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET LOCAL ROLE posthorn_service");
            EndpointSecrets secrets = new EndpointSecrets(masterKey);
            while (secrets.ensure(connection, BATCH) > 0) {
                // The next batch.
            }
            connection.commit();
        }
        return new Tenant(id, endpoints);
    }

    /** Queues so many events of 1 KB, one delivery each, spread over the endpoints; as an application would in bulk. */
    void queue(Tenant tenant, int events) throws SQLException {
        try (Connection connection = database.pool().getConnection();
                Statement role = connection.createStatement();
                PreparedStatement queue = connection.prepareStatement("""
                        SELECT count(*) FROM posthorn.queue_webhook_events(
                            array_fill(posthorn.find_community(?), ARRAY[?::integer]),
                            ARRAY(SELECT 'bench.' || 1 + n % ? FROM generate_series(1, ?) AS n),
                            ARRAY(SELECT ? || n || '"}' FROM generate_series(1, ?) AS n))
                        """)) {
            connection.setAutoCommit(false);
            for (int done = 0; done < events; done += BATCH) {
                int count = Math.min(BATCH, events - done);
                role.execute("SET LOCAL ROLE posthorn_service");
                queue.setString(1, "ext:" + tenant.id());
                queue.setInt(2, count);
                queue.setInt(3, tenant.endpoints());
                queue.setInt(4, count);
                queue.setString(5, PAYLOAD);
                queue.setInt(6, count);
                queue.execute();
                connection.commit();
            }
        }
    }

    /** The beginning of a payload; with a number and the end it has 1 KB. */
    static final String PAYLOAD = payload();

    /** What a payload of {@link #PAYLOAD} and a number of four digits takes. */
    static final int PAYLOAD_BYTES = PAYLOAD.length() + 6;

    private static String payload() {
        StringBuilder text = new StringBuilder("{\"kind\":\"payment\",\"lines\":[");
        for (int line = 0; line < 16; line++) {
            text.append("{\"item\":\"part ")
                    .append(line * 7919)
                    .append("\",\"amount\":")
                    .append(line * 104_729)
                    .append(",\"note\":\"x")
                    .append(Integer.toHexString(line * 0x9E3779B9))
                    .append("\"},");
        }
        text.append("{}],\"number\":\"");
        return text.toString();
    }

    @Override
    public void close() {
        receiver.close();
        database.close();
    }
}
