package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordReader;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code http-json}: any API that answers lists of JSON objects. Thread-safe. */
public final class HttpJsonConnector implements PullConnector {
    private static final ConnectorDescription DESCRIPTION =
            ConnectorDescription.of(HttpJsonConnector.class, "http-json.json");

    private final Pauses pauses;

    /** For {@link java.util.ServiceLoader}. */
    public HttpJsonConnector() {
        this(Thread::sleep);
    }

    HttpJsonConnector(Pauses pauses) {
        this.pauses = pauses;
    }

    @Override
    public ConnectorDescription describe() {
        return DESCRIPTION;
    }

    /** Reads the first page. */
    @Override
    public void check(ConnectorContext context) throws ConnectorException, InterruptedException {
        try (RecordReader reader = open(context, null)) {
            reader.next();
        }
    }

    @Override
    public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor) throws ConnectorException {
        return new HttpJsonReader(context, cursor, pauses);
    }

    @Override
    public boolean needsCredentials(JsonNode configuration) {
        return !configuration.at("/auth/type").asString("none").equals("none");
    }
}
