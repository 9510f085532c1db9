package dev.posthorn.integrations.connector;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A connector that is asked for what is new. */
public non-sealed interface PullConnector extends Connector {
    /**
     * Begins to read.
     *
     * @param cursor where to go on, as a batch of an earlier reader of the same integration said; null at the very beginning, and after a
     *     batch whose cursor was null
     * @return a reader for one thread; the caller closes it
     * @throws ConnectorException if that cannot be
     */
    RecordReader open(ConnectorContext context, @Nullable JsonNode cursor)
            throws ConnectorException, InterruptedException;

    /**
     * Whether nothing can be read under a configuration while no credentials are stored: such an integration is not due by its schedule
     * before they are. Not asked where the schema of the credentials requires some anyway.
     *
     * @param configuration maybe not valid: somebody may have written it by SQL
     */
    default boolean needsCredentials(JsonNode configuration) {
        return false;
    }
}
