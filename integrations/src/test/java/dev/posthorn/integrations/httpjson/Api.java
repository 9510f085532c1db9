package dev.posthorn.integrations.httpjson;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.SourceRecord;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import java.net.URI;
import java.net.URLDecoder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** An API on loopback, a connector that reads it without waiting, and what it read. */
final class Api implements AutoCloseable {
    final TestReceiver server = TestReceiver.start();
    final TestContext contexts = new TestContext();
    final List<Duration> pauses = new ArrayList<>();
    final HttpJsonConnector connector = new HttpJsonConnector(new Noted());

    /** The rest of a configuration after its address, which leads to this API. */
    ConnectorContext context(String rest) {
        return context(rest, Map.of());
    }

    ConnectorContext context(String rest, Map<String, String> credentials) {
        return contexts.of("{'url': '" + server.url("/items") + "', " + rest + "}", credentials);
    }

    /** Reads from a cursor to the end. */
    List<RecordBatch> read(ConnectorContext context, @Nullable JsonNode cursor)
            throws ConnectorException, InterruptedException {
        List<RecordBatch> batches = new ArrayList<>();
        try (RecordReader reader = connector.open(context, cursor)) {
            for (RecordBatch batch = reader.next(); batch != null; batch = reader.next()) {
                batches.add(batch);
            }
        }
        return batches;
    }

    List<String> readIds(ConnectorContext context) throws ConnectorException, InterruptedException {
        return ids(read(context, null));
    }

    static List<String> ids(List<RecordBatch> batches) {
        return batches.stream()
                .flatMap(batch -> batch.records().stream())
                .map(SourceRecord::externalId)
                .toList();
    }

    static @Nullable JsonNode lastCursor(List<RecordBatch> batches) {
        return batches.get(batches.size() - 1).cursor();
    }

    static Answer json(String body) {
        return new Answer(
                200,
                Map.of("Content-Type", "application/json"),
                body.replace('\'', '"').getBytes(UTF_8));
    }

    static Answer status(int status, String... header) {
        return new Answer(status, header.length == 0 ? Map.of() : Map.of(header[0], header[1]), new byte[0]);
    }

    /** {@code {"id": 1}, {"id": 2}} */
    static String items(int from, int until) {
        return IntStream.range(from, until)
                .mapToObj(id -> "{\"id\": " + id + "}")
                .collect(Collectors.joining(", "));
    }

    static Map<String, String> query(Received request) {
        Map<String, String> query = new HashMap<>();
        String raw = URI.create(request.path()).getRawQuery();
        if (raw != null) {
            for (String each : raw.split("&", -1)) {
                String[] both = each.split("=", 2);
                query.put(URLDecoder.decode(both[0], UTF_8), URLDecoder.decode(both[1], UTF_8));
            }
        }
        return query;
    }

    static String parameter(Received request, String name) {
        return query(request).getOrDefault(name, "");
    }

    static int number(Received request, String name) {
        return Integer.parseInt(parameter(request, name));
    }

    /** Time passes by the pauses alone. */
    private final class Noted implements Pauses {
        private long now;

        @Override
        public void pause(Duration duration) {
            pauses.add(duration);
            now += duration.toNanos();
        }

        @Override
        public long nanoTime() {
            return now;
        }
    }

    @Override
    public void close() {
        contexts.close();
        server.close();
    }
}
