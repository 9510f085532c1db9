package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.log.LogFiles;
import dev.posthorn.benchmarks.faults.receiver.Loopback;
import dev.posthorn.benchmarks.faults.receiver.ReceiversProcess;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * An installation under load: a database of its own, nodes, receivers and producers, each in the process that it would have in life.
 * For one thread, but for what the nemesis uses of it.
 */
public final class Rig implements AutoCloseable {
    private static final String UNFINISHED =
            "SELECT count(*) FROM posthorn.webhook_deliveries" + " WHERE stage IN ('ready', 'waiting', 'parked')";
    /** Else an endpoint that nobody may send to would be disabled at every tenth of its deliveries, and the drain never end. */
    private static final String DISABLE_NO_MORE =
            "UPDATE posthorn.settings SET value = '0' WHERE name = 'auto_disable_after'";
    /** As the owners of endpoints do when their receivers are well again. */
    private static final String ENABLE =
            "SET ROLE posthorn_service; SELECT posthorn.enable_webhook_endpoint(h.endpoint_id)"
                    + " FROM posthorn.webhook_endpoint_health AS h WHERE h.disabled_reason = 'auto'";

    private final Cluster cluster;
    private final Scene scene;
    private final LogFiles files;
    private final Journal nemesisLog;
    private final List<NodeProcess> nodes = new ArrayList<>();
    private final List<Producer> producers = new ArrayList<>();
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final Forwarder databaseForwarder;
    private final ReceiversProcess receivers;
    private final Optional<FakeTime> fakeTime;
    private final String serviceKey;

    /**
     * Sets it up, without load.
     *
     * @param sabotage SQL that is run in its database before anything else; empty for none. The settings {@code faults.checked} and
     *     {@code faults.unchecked} are there to replace the first, in a URL, by the second, which leads where nobody may send to
     */
    public Rig(Cluster cluster, Scene scene, LogFiles files, long seed, String sabotage)
            throws IOException, SQLException, InterruptedException {
        this.cluster = cluster;
        this.scene = scene;
        this.files = files;
        try {
            Files.createDirectories(files.folder());
            cluster.createDatabase(scene.name());
            nemesisLog = open(new Journal(files.nemesis()));
            receivers = open(new ReceiversProcess(files.folder(), seed));
            databaseForwarder = open(new Forwarder(new InetSocketAddress(Loopback.ALLOWED, cluster.port())));
            int receiverPort = receivers.port();
            int uncheckedPort = receiverPort;
            switch (scene.senders()) {
                case DIRECT -> {}
                case LEFTOVERS ->
                    receiverPort = open(new LeftoversForwarder(new InetSocketAddress(Loopback.ALLOWED, receiverPort)))
                            .port();
                case UNCHECKED_RETRIES ->
                    uncheckedPort = open(new Forwarder(new InetSocketAddress(Loopback.REFUSED, receiverPort)))
                            .port();
            }
            if (!sabotage.isEmpty()) {
                cluster.execute(
                        scene.name(),
                        "SET faults.checked = ':" + receiverPort + "/'; SET faults.unchecked = ':" + uncheckedPort
                                + "/';" + sabotage);
            }
            Roster roster = new Roster();
            try (Connection connection = cluster.superuser(scene.name())) {
                boolean routed = scene.senders() == Scene.Senders.DIRECT && receivers.hasRoutedAddress();
                roster.create(
                        connection, scene.communities(), routed ? Loopback.ROUTED : Loopback.ALLOWED, receiverPort);
            }
            fakeTime = FakeTime.find(files.folder());
            startNodes();
            serviceKey = nodes.getFirst().serviceKey().orElseThrow();
            try (Journal log = new Journal(files.roster())) {
                roster.write(log, nodes.getFirst().address(), serviceKey);
            }
            Journal producerLog = open(new Journal(files.producers()));
            for (Community community : scene.communities()) {
                producers.add(
                        community.rest()
                                ? new RestProducer(
                                        community, producers.size() + 1, seed, producerLog, this::anyNode, serviceKey)
                                : new SqlProducer(
                                        community,
                                        producers.size() + 1,
                                        seed,
                                        producerLog,
                                        producerUrl(),
                                        scene.acknowledgement()));
            }
        } catch (IOException | SQLException | InterruptedException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private <T extends AutoCloseable> T open(T closeable) {
        opened.push(closeable);
        return closeable;
    }

    private String producerUrl() {
        return "jdbc:postgresql://127.0.0.1:" + databaseForwarder.port() + "/" + scene.name()
                + "?user=posthorn&connectTimeout=3&socketTimeout=20&ApplicationName=producer";
    }

    private void startNodes() throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>(Map.of(
                "DATABASE_URL",
                "postgres://posthorn@127.0.0.1:" + databaseForwarder.port() + "/" + scene.name(),
                "POSTHORN_MASTER_KEY",
                MasterKeyset.generate().encoded(),
                "POSTHORN_ALLOWED_NETWORKS",
                "127.0.0.1/32,127.0.0.3/32",
                // No name is asked for here; whether there is a route is told by the receivers.
                "POSTHORN_CONTROL_NAME",
                "none"));
        fakeTime.ifPresent(time -> environment.putAll(time.environment()));
        for (int i = 1; i <= scene.nodes(); i++) {
            Optional<String> older = i == scene.nodes() ? scene.older() : Optional.empty();
            nodes.add(open(new NodeProcess(
                    "node " + i + (older.isPresent() ? " (the other version)" : ""),
                    older.orElse(System.getProperty("java.class.path")),
                    environment,
                    files.node(i))));
        }
        // The first alone: it makes the service key and the data key of the vault.
        nodes.getFirst().start();
        startAll(nodes.subList(1, nodes.size()));
    }

    /** Starts nodes, all at once, and waits until they have started. */
    public void startAll(List<NodeProcess> some) throws IOException, InterruptedException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Boolean>> starts = new ArrayList<>();
            for (NodeProcess node : some) {
                starts.add(() -> {
                    node.start();
                    return true;
                });
            }
            for (Future<Boolean> start : threads.invokeAll(starts)) {
                try {
                    start.get();
                } catch (ExecutionException e) {
                    throw new IOException(e.getCause());
                }
            }
        }
    }

    private URI anyNode() {
        List<NodeProcess> living = nodes.stream().filter(NodeProcess::isAlive).toList();
        List<NodeProcess> candidates = living.isEmpty() ? nodes : living;
        return candidates
                .get(ThreadLocalRandom.current().nextInt(candidates.size()))
                .address();
    }

    /** Lets the producers begin. */
    public void startProducers() {
        producers.forEach(Producer::start);
    }

    /** Waits for producers that end by themselves. */
    public void joinProducers() throws InterruptedException {
        for (Producer producer : producers) {
            producer.join();
        }
    }

    /** The nodes. */
    public List<NodeProcess> nodes() {
        return nodes;
    }

    /** The PostgreSQL. */
    public Cluster cluster() {
        return cluster;
    }

    /** The name of its database. */
    public String database() {
        return scene.name();
    }

    /** What nodes and producers reach the database through. */
    public Forwarder databaseForwarder() {
        return databaseForwarder;
    }

    /** The receivers. */
    public ReceiversProcess receivers() {
        return receivers;
    }

    /** The clock of the nodes, where it can be made to jump. */
    public Optional<FakeTime> fakeTime() {
        return fakeTime;
    }

    /** Opens the REST API. */
    public String serviceKey() {
        return serviceKey;
    }

    /** Where the nemesis writes what it does. */
    public Journal nemesisLog() {
        return nemesisLog;
    }

    /** Waits until the database answers and all nodes run and are ready; returns whether that came within the time. */
    public boolean awaitHealth(Duration atMost) {
        return await(atMost, () -> cluster.answers() && nodes.stream().allMatch(NodeProcess::isReady));
    }

    /** Waits for something that is looked at ten times a second. */
    public static boolean await(Duration atMost, BooleanSupplier condition) {
        long end = System.nanoTime() + atMost.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
        return true;
    }

    /**
     * Ends the load, makes all receivers behave and waits until every delivery has reached its end.
     *
     * @return how many have not; 0 if all went well
     */
    public long drain(Duration atMost) throws IOException, InterruptedException {
        for (Producer producer : producers) {
            producer.stop();
        }
        receivers.behave();
        try {
            cluster.execute(scene.name(), DISABLE_NO_MORE);
        } catch (SQLException e) {
            throw new IOException("the database does not answer after the load: " + e.getMessage(), e);
        }
        await(atMost, () -> {
            try {
                cluster.execute(scene.name(), ENABLE);
                return unfinished() == 0;
            } catch (SQLException e) {
                return false;
            }
        });
        try {
            return unfinished();
        } catch (SQLException e) {
            throw new IOException("the database does not answer after the run: " + e.getMessage(), e);
        }
    }

    private long unfinished() throws SQLException {
        return Long.parseLong(cluster.query(scene.name(), UNFINISHED).getFirst());
    }

    /** Stops the nodes, as an operator does, and writes down what the database knows. */
    public void stopAndWriteDatabaseLog() throws IOException, SQLException, InterruptedException {
        for (NodeProcess node : nodes) {
            node.close();
        }
        try (Connection superuser = cluster.superuser(scene.name(), 1800)) {
            DatabaseLog.write(superuser, files);
        }
    }

    @Override
    public void close() {
        producers.forEach(Producer::leave);
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                System.err.println("faults: while stopping " + scene.name() + ": " + e.getMessage());
            }
        }
    }
}
