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
}
