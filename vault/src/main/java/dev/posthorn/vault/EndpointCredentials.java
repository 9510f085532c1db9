package dev.posthorn.vault;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The credentials with which requests to endpoints are made. Thread-safe.
 *
 * <p>Each method works within the transaction of the connection it is given, whose role must be {@code posthorn_service}, and neither
 * commits nor closes it.
 */
public final class EndpointCredentials {
    private static final String DESCRIBE = "SELECT posthorn.describe_endpoint_credential(?, ?, ?::jsonb)";

    private final OwnedSecrets secrets;

    /** Encrypts and decrypts with data keys that the given master key wraps. */
    public EndpointCredentials(MasterKeyset master) {
        this.secrets = new OwnedSecrets(master);
    }

    /**
     * Sets a credential in the place of what was set before.
     *
     * @param description a JSON object of what may be shown of it
     * @throws SQLException with state PH006 if there is no such endpoint
     */
    public void set(Connection connection, UUID endpointId, CredentialKind kind, String credential, String description)
            throws SQLException {
        UUID community = describe(connection, endpointId, kind, description);
        byte[] value = credential.getBytes(StandardCharsets.UTF_8);
        secrets.put(connection, community, endpointId, kind.purpose(), Map.of(kind.label(), value));
    }

    /**
     * Takes a credential away.
     *
     * @throws SQLException with state PH006 if there is no such endpoint
     */
    public void remove(Connection connection, UUID endpointId, CredentialKind kind) throws SQLException {
        UUID community = describe(connection, endpointId, kind, null);
        secrets.remove(connection, community, endpointId, kind.purpose(), List.of(kind.label()));
    }

    /**
     * A credential; empty if none is set.
     *
     * @throws VaultException if it cannot be decrypted
     */
    public Optional<String> read(Connection connection, UUID endpointId, CredentialKind kind) throws SQLException {
        Map<String, SecretValue> ofEndpoint =
                secrets.readAll(connection, List.of(endpointId), kind.purpose()).getOrDefault(endpointId, Map.of());
        try (SecretValue value = ofEndpoint.get(kind.label())) {
            return value == null ? Optional.empty() : Optional.of(new String(value.bytes(), StandardCharsets.UTF_8));
        }
    }

    /** Before the secret itself, because it locks the endpoint: of two who set one at once, both parts are of the same. */
    private static UUID describe(
            Connection connection, UUID endpointId, CredentialKind kind, @Nullable String description)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(DESCRIBE)) {
            statement.setObject(1, endpointId);
            statement.setString(2, kind.label());
            statement.setString(3, description);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getObject(1, UUID.class);
            }
        }
    }
}
