package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.log.Journal;
import dev.posthorn.benchmarks.faults.receiver.Behaviour;
import dev.posthorn.benchmarks.faults.receiver.Loopback;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.json.JsonMapper;

/** The communities of a run and their endpoints, made by SQL; their secrets, read by REST. For one thread. */
final class Roster {
    private static final String COMMUNITY =
            "INSERT INTO posthorn.communities (external_id, name) VALUES (?, ?) RETURNING id";
    private static final String ENDPOINT = """
            INSERT INTO posthorn.webhook_endpoints
                (community_id, url, timeout_seconds, max_in_flight, max_attempts, retry_schedule, ordering)
            VALUES (?::uuid, ?, ?, ?, ?, '{1 second}', ?)
            RETURNING id
            """;

    private final List<Entry> entries = new ArrayList<>();

    private record Entry(String endpoint, String community, String communityName, String path, Behaviour behaviour) {}

    /** Makes them. */
    void create(Connection connection, List<Community> communities, InetAddress allowed, int port) throws SQLException {
        try (Statement role = connection.createStatement()) {
            role.execute("SET ROLE posthorn_service");
        }
        for (Community community : communities) {
            String id = insert(connection, COMMUNITY, community.name(), community.name());
            for (Behaviour behaviour : community.endpoints()) {
                String path = "/" + behaviour.path() + "/" + entries.size();
                InetAddress host = behaviour == Behaviour.REFUSED ? Loopback.REFUSED : allowed;
                String endpoint = insert(
                        connection,
                        ENDPOINT,
                        id,
                        "http://" + host.getHostAddress() + ":" + port + path,
                        timeoutSeconds(behaviour),
                        maxInFlight(behaviour),
                        behaviour == Behaviour.BROKEN || behaviour == Behaviour.REFUSED ? 2 : 30,
                        behaviour == Behaviour.ORDERED ? "endpoint" : "none");
                entries.add(new Entry(endpoint, id, community.name(), path, behaviour));
            }
        }
    }

    private static int maxInFlight(Behaviour behaviour) {
        return switch (behaviour) {
            case LATE, ANSWERS, FAILS_SELDOM -> 200;
            default -> 16;
        };
    }

    private static int timeoutSeconds(Behaviour behaviour) {
        return switch (behaviour) {
            case SILENT_FIRST -> 2;
            case LATE -> 20;
            default -> 5;
        };
    }

    private static String insert(Connection connection, String sql, Object... arguments) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    /** Writes the roster once each endpoint has its secret. */
    void write(Journal log, URI node, String key) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            for (Entry entry : entries) {
                log.write(
                        entry.endpoint(),
                        entry.communityName(),
                        entry.path(),
                        entry.behaviour() == Behaviour.ORDERED ? "ordered" : "free",
                        entry.behaviour() == Behaviour.REFUSED ? "refused" : "allowed",
                        timeoutSeconds(entry.behaviour()) * 1000,
                        secret(http, entry, node, key));
            }
        }
    }

    private static String secret(HttpClient http, Entry entry, URI node, String key)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(node.resolve(
                        "/v1/communities/" + entry.community() + "/endpoints/" + entry.endpoint() + "/secret"))
                .timeout(Duration.ofSeconds(10))
                .header("Authorization", "Bearer " + key)
                .build();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
            if (answer.statusCode() == 200) {
                return JsonMapper.shared().readTree(answer.body()).get("secret").asString();
            }
            if (System.nanoTime() > end) {
                throw new IOException(
                        "the secret of " + entry.path() + " was not there within a minute: " + answer.body());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
        }
    }
}
