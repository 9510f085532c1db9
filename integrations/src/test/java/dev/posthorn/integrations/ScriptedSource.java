package dev.posthorn.integrations;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordBatch.Rejection;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.SourceRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A system in memory whose whole content is read in pages of three, and that fails where a test wants it to. */
final class ScriptedSource implements PullConnector {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int PAGE = 3;

    final TreeMap<String, ObjectNode> content = new TreeMap<>();
    final List<Rejection> rejected = new ArrayList<>();
    final List<String> cursors = new ArrayList<>();
    boolean snapshot = true;

    @Nullable
    ConnectorException failure;

    int failsBeforePage = -1;

    @Nullable
    CountDownLatch reached;

    int hangsBeforePage = -1;
    String says = "";
    boolean needsCredentials;

    void put(String id, String name) {
        content.put(id, JSON.createObjectNode().put("name", name));
    }

    @Override
    public ConnectorDescription describe() {
        return new ConnectorDescription("scripted", "Scripted", "For tests.", JSON.readTree("""
                        {"type": "object", "properties": {"depth": {"type": "integer"}}, "additionalProperties": false}
                        """), JSON.readTree("""
                        {"type": "object", "properties": {"token": {"type": "string"}}}
                        """));
    }

    @Override
    public void check(ConnectorContext context) throws ConnectorException {
        context.credentials().require("token");
    }

    @Override
    public boolean needsCredentials(JsonNode configuration) {
        return needsCredentials;
    }

    @Override
    public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor) throws ConnectorException {
        cursors.add(String.valueOf(cursor));
        if (!says.isEmpty()) {
            context.log().info(says);
        }
        return new Reader(cursor == null ? "" : cursor.required("after").stringValue());
    }

    private final class Reader implements RecordReader {
        private String after;
        private int page;
        private boolean done;

        Reader(String after) {
            this.after = after;
        }

        @Override
        public @Nullable RecordBatch next() throws ConnectorException, InterruptedException {
            if (done) {
                return null;
            }
            if (page == failsBeforePage) {
                failsBeforePage = -1;
                throw failure == null ? new ConnectorException(Failure.UNAVAILABLE, "it answered 500") : failure;
            }
            if (page == hangsBeforePage && reached != null) {
                reached.countDown();
                Thread.sleep(60_000);
            }
            page++;
            List<SourceRecord> records = new ArrayList<>();
            for (Map.Entry<String, ObjectNode> entry :
                    content.tailMap(after, false).entrySet()) {
                if (records.size() == PAGE) {
                    break;
                }
                records.add(SourceRecord.of("thing", entry.getKey(), entry.getValue()));
                after = entry.getKey();
            }
            done = content.tailMap(after, false).isEmpty();
            List<Rejection> wrong = done ? List.copyOf(rejected) : List.of();
            return new RecordBatch(
                    records, wrong, done ? null : JSON.createObjectNode().put("after", after));
        }

        @Override
        public boolean isSnapshot() {
            return snapshot;
        }

        @Override
        public void close() {}
    }
}
