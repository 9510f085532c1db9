package dev.posthorn.integrations;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import java.util.UUID;

/** Where credentials come from: the vault. Implementations are thread-safe. */
@FunctionalInterface
public interface CredentialsSource {
    /**
     * Reads the credentials of an integration.
     *
     * @param integrationId for whom, as the audit log shows it
     * @throws ConnectorException of class {@code CREDENTIALS} if there are none under that id, {@code INTERNAL} if the vault cannot be reached:
     *     never an empty set instead
     */
    Credentials read(UUID communityId, UUID secretId, UUID integrationId) throws ConnectorException;
}
