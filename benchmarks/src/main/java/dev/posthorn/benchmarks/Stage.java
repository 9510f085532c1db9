package dev.posthorn.benchmarks;

import dev.posthorn.benchmarks.load.SqlWriter;
import dev.posthorn.benchmarks.load.Writers;
import dev.posthorn.benchmarks.receiver.Certificate;
import dev.posthorn.benchmarks.receiver.ReceiverProcess;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What a scenario plays on: a database, a receiver in a process of its own, and engines, in this process or as servers. Closed also when
 * this process is told to end.
 */
public final class Stage implements AutoCloseable {
    private static final int BATCH = 1000;

    private final BenchDatabase database;
    private final ReceiverProcess receiver;
    private final TrustedAuthorities trusted;
    private final MasterKeyset masterKey = MasterKeyset.generate();
    private final AtomicBoolean closed = new AtomicBoolean();
    private int communities;

    /**
     * A community with endpoints, each of which takes the event type of its number.
     *
     * @param id of the community
     */
    public record Tenant(String id, int endpoints) {
        /** As functions and paths take it. */
        public String reference() {
            return "ext:" + id;
        }
    }

    private Stage(BenchDatabase database, ReceiverProcess receiver, TrustedAuthorities trusted) {
        this.database = database;
        this.receiver = receiver;
        this.trusted = trusted;
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "clear-stage"));
    }

    /** With a receiver of plain HTTP. */
    public static Stage open() throws IOException, SQLException {
        return open(null);
    }

    /** With a receiver of TLS if there is a certificate. */
    public static Stage open(@Nullable Certificate certificate) throws IOException, SQLException {
        BenchDatabase database = BenchDatabase.open();
        return new Stage(
                database,
                new ReceiverProcess(certificate),
                certificate == null ? TrustedAuthorities.SYSTEM : TrustedAuthorities.only(certificate.pem()));
    }

    /** The database. */
    public BenchDatabase database() {
        return database;
    }

    /** The receiver. */
    public ReceiverProcess receiver() {
        return receiver;
    }

    /** As text, for a server. */
    public String masterKey() {
        return masterKey.encoded();
    }

    /** An engine as an application embeds it, with nothing set that concerns speed. */
    public DeliveryEngine engine(DeliveryListener listener) {
        return DeliveryEngine.builder(database.pool(), masterKey)
                .ownConnections(database.ownConnections())
                .addresses(AddressPolicy.allowing(List.of(allowedNetwork())))
                .trust(trusted)
                .listener(listener)
                .build();
    }

    /** A server, started and ready. */
    public NodeProcess server(String... jvmOptions) throws IOException, InterruptedException {
        return server(Map.of(), jvmOptions);
    }

    /** A server with settings of its own, by the names of the environment's variables. */
    public NodeProcess server(Map<String, String> settings, String... jvmOptions)
            throws IOException, InterruptedException {
        Map<String, String> all = new HashMap<>(settings);
        all.put("DATABASE_URL", database.databaseUrl());
        all.put("POSTHORN_MASTER_KEY", masterKey());
        all.put("POSTHORN_ALLOWED_NETWORKS", allowedNetwork());
        return NodeProcess.start(all, jvmOptions);
    }

    private String allowedNetwork() {
        return "127.0.0.1/32:" + receiver.port();
    }

    /**
     * Makes a community with endpoints that have their secrets.
     *
     * @param path of each endpoint's URL; its number is appended
     */
    public Tenant tenant(int endpoints, String path) throws SQLException {
        Tenant tenant = new Tenant("bench-" + ProcessHandle.current().pid() + "-" + ++communities, endpoints);
        database.asService("INSERT INTO posthorn.communities (external_id, name) VALUES ('" + tenant.id()
                + "', 'Benchmark');"
                + " INSERT INTO posthorn.webhook_endpoints (community_id, url, event_types)"
                + " SELECT posthorn.find_community('" + tenant.reference() + "'), '" + receiver.url(path)
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
        return tenant;
    }

    /** Sets something of all endpoints of a tenant. */
    public void set(Tenant tenant, String assignments) throws SQLException {
        database.asService("UPDATE posthorn.webhook_endpoints SET " + assignments
                + " WHERE community_id = posthorn.find_community('" + tenant.reference() + "')");
    }

    /** An application that queues events of a tenant. */
    public SqlWriter writer(Tenant tenant) throws SQLException {
        return new SqlWriter(database.connect(), tenant.reference(), tenant.endpoints());
    }

    /** Several of them. */
    public Writers writers(int count, Tenant tenant) throws SQLException {
        return new Writers(count, () -> writer(tenant));
    }

    /** Queues so many events of 1 KB, one delivery each, spread over the endpoints; as an application would in bulk. */
    public void queue(Tenant tenant, int events) throws SQLException {
        try (SqlWriter writer = writer(tenant)) {
            for (int done = 0; done < events; done += BATCH) {
                writer.queueBatch(Math.min(BATCH, events - done));
            }
        }
    }

    boolean isClosed() {
        return closed.get();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            receiver.close();
            database.close();
        }
    }
}
