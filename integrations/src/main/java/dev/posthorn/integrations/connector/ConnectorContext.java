package dev.posthorn.integrations.connector;

import java.time.Clock;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * What a connector may know and use for one integration.
 *
 * @param integrationId which
 * @param configuration valid against {@link ConnectorDescription#configuration()}; not to be changed
 * @param credentials its secrets, valid against {@link ConnectorDescription#credentials()} if there are any
 * @param network the only way out
 * @param log what people will read
 * @param clock what time it is
 * @param operator what the operator of this installation says to connectors of this kind
 */
public record ConnectorContext(
        UUID integrationId,
        JsonNode configuration,
        Credentials credentials,
        Outbound network,
        RunLog log,
        Clock clock,
        OperatorSettings operator) {
    /** Where the operator says nothing. */
    public ConnectorContext(
            UUID integrationId,
            JsonNode configuration,
            Credentials credentials,
            Outbound network,
            RunLog log,
            Clock clock) {
        this(integrationId, configuration, credentials, network, log, clock, OperatorSettings.NONE);
    }
}
