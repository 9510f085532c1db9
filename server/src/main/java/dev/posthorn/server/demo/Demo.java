package dev.posthorn.server.demo;

import dev.posthorn.server.node.Node;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole loop as a user goes it: REST for what REST is for, plain SQL for the transaction. */
public final class Demo {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String COMMUNITY = "/communities/ext:demo";
    private static final int ENOUGH = 30;

    private final Node node;
    private final DemoReceiver receiver;
    private final String key;
    private final HttpClient http = HttpClient.newHttpClient();

    /** A demo on a running server. */
    public Demo(Node node, DemoReceiver receiver) throws SQLException {
        this.node = node;
        this.receiver = receiver;
        this.key = node.firstKey().isPresent()
                ? node.firstKey().get().text()
                : node.issueServiceKey("demo").text();
    }

    /** Goes the loop and says how it went; returns whether exactly what should have arrived did. */
    public boolean run() throws IOException, InterruptedException, SQLException {
        prepare();
        Set<String> expected = new LinkedHashSet<>();

        System.out.println("payment.received by REST");
        expected.add(call(
                        "POST",
                        COMMUNITY + "/events",
                        202,
                        "{\"event_type\":\"payment.received\",\"payload\":{\"amount\":\"120.50\"}}")
                .get("id")
                .stringValue());

        String rolledBack;
        try (Connection connection = DriverManager.getConnection(
                        node.databaseUrl().jdbcUrl(), node.databaseUrl().user(), "");
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            System.out.println("access.granted by SQL, in a transaction that commits; its first attempt will fail");
            expected.add(
                    queue(
                            statement,
                            "SELECT event_id FROM posthorn.queue_webhook('ext:demo', 'access.granted', '{\"door\": \"north\"}')"));
            connection.commit();
            System.out.println("incident.created by SQL, in a transaction that is rolled back");
            rolledBack = queue(
                    statement,
                    "SELECT event_id FROM posthorn.queue_webhook('ext:demo', 'incident.created', '{\"kind\": \"leak\"}')");
            connection.rollback();
        }

        receiver.await(expected.size(), Duration.ofSeconds(ENOUGH));
        // Time in which what must not arrive could.
        Set<String> arrived = receiver.await(expected.size() + 1, Duration.ofSeconds(2));
        int delivered = delivered(expected);
        long lost = expected.stream().filter(id -> !arrived.contains(id)).count();
        boolean exact = arrived.equals(expected)
                && delivered == expected.size()
                && receiver.refused() == 0
                && !arrived.contains(rolledBack);
        System.out.println(
                arrived.contains(rolledBack)
                        ? "the rolled-back event ARRIVED"
                        : "the rolled-back event did not arrive");
        System.out.println("REST API:  " + node.address() + "/v1/communities/ext:demo/deliveries");
        System.out.println("key:       " + key);
        System.out.println("SQL:       " + node.psqlLine());
        System.out.println("demo: " + delivered + " delivered, " + arrived.size() + " verified, " + lost + " lost");
        return exact;
    }

    private void prepare() throws IOException, InterruptedException {
        if (send("GET", COMMUNITY, "").statusCode() == 404) {
            call("POST", "/communities", 201, "{\"external_id\":\"demo\",\"name\":\"Demo\"}");
        }
        for (JsonNode older :
                call("GET", COMMUNITY + "/endpoints?limit=250", 200, "").get("data")) {
            send("DELETE", COMMUNITY + "/endpoints/" + older.get("id").stringValue(), "");
        }
        // Its own schedule, so that the retry comes after 2 seconds and not after a minute.
        JsonNode endpoint = call(
                "POST",
                COMMUNITY + "/endpoints",
                201,
                "{\"url\":\"http://127.0.0.1:" + receiver.port()
                        + "/hook\",\"event_types\":[\"*\"],\"retry_schedule\":[2]}");
        String path = COMMUNITY + "/endpoints/" + endpoint.get("id").stringValue();
        receiver.expect(call("GET", path + "/secret", 200, "").get("secret").stringValue(), "access.granted");
        System.out.println(
                "a community, an endpoint for every event (retried after 2 s, by its own schedule) and a receiver are ready");
    }

    private int delivered(Set<String> events) throws IOException, InterruptedException {
        int delivered = 0;
        for (String event : events) {
            for (int look = 0; look < 50; look++) {
                JsonNode deliveries =
                        call("GET", COMMUNITY + "/events/" + event, 200, "").get("deliveries");
                if (deliveries.size() == 1
                        && deliveries.get(0).get("status").stringValue().equals("delivered")) {
                    delivered++;
                    break;
                }
                receiver.await(Integer.MAX_VALUE, Duration.ofMillis(100));
            }
        }
        return delivered;
    }

    private static String queue(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private JsonNode call(String method, String path, int status, String body)
            throws IOException, InterruptedException {
        HttpResponse<String> answer = send(method, path, body);
        if (answer.statusCode() != status) {
            throw new IllegalStateException(
                    method + " " + path + " answered " + answer.statusCode() + ": " + answer.body());
        }
        return JSON.readTree(answer.body());
    }

    private HttpResponse<String> send(String method, String path, String body)
            throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(URI.create(node.address() + "/v1" + path))
                        .header("Authorization", "Bearer " + key)
                        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
    }
}
