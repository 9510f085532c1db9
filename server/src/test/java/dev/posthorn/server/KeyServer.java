package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.node.Node;
import dev.posthorn.server.settings.Settings;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.vault.MasterKeyset;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server with the communities {@code acme} and {@code other}, and what it logs, for tests of keys. */
final class KeyServer implements AutoCloseable {
    private static final HttpClient HTTP = HttpClient.newHttpClient();
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String MASTER_KEY = MasterKeyset.generate().encoded();

    private final TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
    private final Map<Setting, String> own;
    private final String key;
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private Node node;

    /** An answer of the API. */
    record Answer(int status, String body, HttpResponse<String> http) {
        JsonNode json() {
            return JSON.readTree(body);
        }

        String header(String name) {
            return http.headers().firstValue(name).orElse("");
        }
    }

    KeyServer(Map<Setting, String> own) throws Exception {
        this.own = own;
        log.start();
        ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).addAppender(log);
        node = Node.start(settings(Map.of()), new DeliveryListener() {});
        key = node.firstKey().orElseThrow().text();
        call("POST", "/communities", "{\"external_id\":\"acme\",\"name\":\"Acme\"}");
        call("POST", "/communities", "{\"external_id\":\"other\",\"name\":\"Other\"}");
    }

    Node node() {
        return node;
    }

    TestDatabase database() {
        return database;
    }

    /** The first service key. */
    String key() {
        return key;
    }

    /** Starts it again, after it was closed. */
    void restart() {
        node = Node.start(settings(Map.of()), new DeliveryListener() {});
    }

    /** Makes a key of acme. */
    String make(String settings) throws Exception {
        return call("POST", "/communities/ext:acme/api-keys", settings)
                .json()
                .get("key")
                .stringValue();
    }

    /** Makes a service key. */
    String serviceKey(List<String> scopes) throws SQLException {
        try (var connection = database.dataSource().getConnection()) {
            return new ApiKeys()
                    .issue(connection, ApiKey.Mode.LIVE, null, "service", scopes)
                    .key()
                    .text();
        }
    }

    /** A call with the first service key. */
    Answer call(String method, String path, String body) throws Exception {
        return send(method, path, body, key);
    }

    /** A call with any key, or none if it is empty. */
    Answer send(String method, String path, String body, String with, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(node.address() + "/v1" + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!with.isEmpty()) {
            request.header("Authorization", "Bearer " + with);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> answer = Contract.check(HTTP.send(request.build(), BodyHandlers.ofString()));
        return new Answer(answer.statusCode(), answer.body(), answer);
    }

    /** A page outside of the API. */
    String plain(String path) throws Exception {
        return Contract.check(HTTP.send(
                        HttpRequest.newBuilder(URI.create(node.address() + path))
                                .build(),
                        BodyHandlers.ofString()))
                .body();
    }

    /** Everything that was logged. */
    String logged() {
        return log.list.stream()
                .map(event -> event.getFormattedMessage() + " " + event.getThrowableProxy())
                .collect(Collectors.joining("\n"));
    }

    /** What {@code POST /v1/api-keys/verify} says of a key; more are members of its JSON. */
    JsonNode verify(String key, String more) throws Exception {
        KeyServer.Answer answer =
                call("POST", "/api-keys/verify", "{\"key\":\"" + key + "\"" + (more.isEmpty() ? "" : "," + more) + "}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json();
    }

    /** That it is a problem of RFC 9457 with nothing of the inside in it; a pointer of the first field that is wrong, unless it is empty. */
    static void assertProblem(Answer answer, int status, String pointer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
        assertThat(answer.body()).doesNotContain("Exception", "SELECT ");
        if (!pointer.isEmpty()) {
            assertThat(answer.json().get("errors").get(0).get("pointer").stringValue())
                    .isEqualTo(pointer);
        }
    }

    Settings settings(Map<Setting, String> more) {
        Map<Setting, String> all = new EnumMap<>(Setting.class);
        all.put(Setting.DATABASE_URL, database.jdbcUrl());
        all.put(Setting.MASTER_KEY, MASTER_KEY);
        all.put(Setting.PORT, "0");
        all.putAll(own);
        all.putAll(more);
        return Settings.gather(all, Map.of(), null);
    }

    @Override
    public void close() {
        ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).detachAppender(log);
        node.close();
        database.close();
    }
}
