package dev.posthorn.integrations.conformance;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.SourceRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.JsonNodeFactory;

// region guide
/** Counts to a number, one record a batch. */
public class CounterConnector implements PullConnector {
    @Override
    public ConnectorDescription describe() {
        return ConnectorDescription.of(CounterConnector.class, "counter.json");
    }

    @Override
    public void check(ConnectorContext context) throws ConnectorException, InterruptedException {
        if (!context.credentials().require("password").equals("open sesame")) {
            throw new ConnectorException(Failure.CREDENTIALS, "the password is wrong");
        }
    }

    @Override
    public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor) {
        int end = context.configuration().path("end").asInt();
        return new RecordReader() {
            private int next = cursor == null ? 1 : cursor.asInt();

            @Override
            public @Nullable RecordBatch next() {
                if (next > end) {
                    return null;
                }
                String id = Integer.toString(next);
                var data = JsonNodeFactory.instance.objectNode().put("square", next * next);
                next++;
                return RecordBatch.of(List.of(SourceRecord.of("number", id, data)), IntNode.valueOf(next));
            }

            @Override
            public void close() {}
        };
    }
}
// endregion
