package dev.posthorn.integrations.connector;

/**
 * Talks to one kind of external system. One instance serves all integrations of its kind: implementations are thread-safe and keep nothing
 * between calls. Register it in {@code META-INF/services/dev.posthorn.integrations.connector.Connector}; it must be a {@link PullConnector}
 * or a {@link PushConnector}.
 *
 * <p>Whatever it connects to, it connects to through {@link ConnectorContext#network()}, which lets only permitted addresses pass. Calls run
 * on a thread of their own that is interrupted when the run is cancelled.
 */
public sealed interface Connector permits PullConnector, PushConnector {
    /** What it is, and what it must be told. The same at each call. */
    ConnectorDescription describe();

    /**
     * Proves that configuration and credentials work, as cheaply as that can be shown. Changes nothing on either side.
     *
     * @throws ConnectorException saying what does not, and who must act
     */
    void check(ConnectorContext context) throws ConnectorException, InterruptedException;
}
