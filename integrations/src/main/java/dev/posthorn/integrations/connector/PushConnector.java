package dev.posthorn.integrations.connector;

/** A connector that is told what is new: receives webhooks and device pushes at an address of its integration. */
public non-sealed interface PushConnector extends Connector {
    /**
     * Judges one request and reads the records in it. Answers fast: no network, no waiting.
     *
     * @throws ConnectorException if the integration is not set up so that requests could be judged; the sender hears 503
     */
    PushAnswer receive(ConnectorContext context, PushRequest request) throws ConnectorException;
}
