package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** kill -9 of PostgreSQL under load: the server goes on, and what was acknowledged is delivered. */
@Tag("alone")
class KilledDatabaseTest {
    private static final int EVENTS_BEFORE_A_KILL = 300;
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    private volatile boolean producing = true;

    @Test
    void a_database_that_is_killed_under_load_loses_nothing_that_was_acknowledged() throws Exception {
        rounds(1);
    }

    @Test
    @Tag("full")
    void a_database_that_is_killed_five_times_under_load_loses_nothing_that_was_acknowledged() throws Exception {
        rounds(5);
    }

    private void rounds(int rounds) throws Exception {
        try (TestReceiver receiver = TestReceiver.start();
                ServerProcess server = ServerProcess.start(
                        Map.of("POSTHORN_ALLOWED_NETWORKS", "127.0.0.0/8"),
                        "serve",
                        "--port",
                        "0",
                        "--data",
                        folder.toString())) {
            server.awaitLine("ready;", Duration.ofSeconds(90));
            String line = server.awaitLine("REST API:", Duration.ofSeconds(1));
            URI readiness = URI.create(line.substring(line.indexOf("http"), line.indexOf("/v1")) + "/readyz");
            try (Connection connection = connect();
                    Statement statement = connection.createStatement()) {
                statement.execute(
                        "SET ROLE posthorn_service; INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                                + " INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, '"
                                + receiver.url("/")
                                + "' || n FROM posthorn.communities, generate_series(1, 4) AS n");
            }
            Thread producer = Thread.ofPlatform().name("producer").start(this::produce);
            for (int round = 1; round <= rounds; round++) {
                int enough = acknowledged.size() + EVENTS_BEFORE_A_KILL;
                Eventually.until(
                        () -> "events are acknowledged", Duration.ofSeconds(60), () -> acknowledged.size() >= enough);
                String epoch = epoch();
                new ProcessBuilder("kill", "-9", Long.toString(postmaster()))
                        .start()
                        .waitFor();
                Eventually.until(() -> "not ready", Duration.ofSeconds(10), () -> status(readiness) == 503);
                Eventually.until(() -> "the database is back", Duration.ofSeconds(60), this::databaseAnswers);
                int before = receiver.received().size();
                Eventually.until(
                        () -> "deliveries go on, ready, within 5 seconds",
                        Duration.ofSeconds(5),
                        () -> status(readiness) == 200 && receiver.received().size() > before);
                assertThat(epoch()).as("what nodes knew no longer holds").isNotEqualTo(epoch);
            }
            producing = false;
            producer.join();
            Eventually.until(
                    () -> "everything acknowledged is delivered and nothing is sending",
                    Duration.ofSeconds(15),
                    () -> one("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'")
                            .equals("0"));
            Set<String> arrived = receiver.received().stream()
                    .map(request -> request.header("webhook-id"))
                    .collect(Collectors.toSet());
            System.out.printf(
                    "%d kills of the database: %d events acknowledged, %d lost, %d requests of which %d were needed%n",
                    rounds,
                    acknowledged.size(),
                    acknowledged.stream().filter(id -> !arrived.contains(id)).count(),
                    receiver.received().size(),
                    arrived.size() * 4);
            assertThat(arrived).containsAll(acknowledged);
            assertThat(one("SELECT count(*) FROM posthorn.check_invariants()")).isEqualTo("0");
        }
    }

    /** Queues one event per transaction; only what the database has committed counts as acknowledged. */
    private void produce() {
        while (producing) {
            try (Connection connection = connect();
                    Statement role = connection.createStatement();
                    PreparedStatement queue = connection.prepareStatement(
                            "SELECT event_id FROM posthorn.queue_webhook('ext:acme', 'payment.received', '{}')")) {
                role.execute("SET ROLE posthorn_service");
                while (producing) {
                    try (ResultSet row = queue.executeQuery()) {
                        row.next();
                        acknowledged.add(row.getString(1));
                    }
                }
            } catch (SQLException away) {
                // Tried again with a new connection, until the database is back.
            }
        }
    }

    private Connection connect() throws SQLException {
        try {
            return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:"
                    + Files.readString(folder.resolve("port")).strip() + "/posthorn?user=posthorn");
        } catch (java.io.IOException e) {
            throw new SQLException(e);
        }
    }

    private String one(String sql) {
        try (Connection connection = connect()) {
            return String.valueOf(TestDatabase.query(connection, "SET ROLE posthorn_service; " + sql)
                    .get(0)
                    .get(0));
        } catch (SQLException e) {
            return "not answered: " + e.getMessage();
        }
    }

    private String epoch() {
        return one("SELECT epoch FROM posthorn.observe_webhook_lanes('{}', '{}', '{}')");
    }

    private boolean databaseAnswers() {
        return one("SELECT 1").equals("1");
    }

    private static int status(URI uri) throws Exception {
        return HTTP.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.discarding())
                .statusCode();
    }

    private long postmaster() throws Exception {
        return Long.parseLong(Files.readAllLines(folder.resolve("postgres/postmaster.pid"))
                .get(0)
                .strip());
    }
}
