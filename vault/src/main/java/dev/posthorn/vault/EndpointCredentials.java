package dev.posthorn.vault;

import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
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
    private static final String ENDPOINT = """
            SELECT h.community_id, coalesce(h.secret_version, 0) + 1
            FROM posthorn.webhook_endpoint_health AS h
            WHERE h.endpoint_id = ?
            """;
    private static final String STORE = "SELECT posthorn.store_endpoint_credential(?, ?, ?::jsonb, ?, ?, ?, ?)";

    private final SealedSecrets sealed;

    /** Encrypts and decrypts with data keys that the given master key wraps. */
    public EndpointCredentials(MasterKeyset master) {
        this.sealed = new SealedSecrets(new DataKeys(master));
    }

    /**
     * Sets a credential in the place of what was set before.
     *
     * @param description a JSON object of what may be shown of it
     * @throws SQLException with state PH006 if there is no such endpoint
     */
    public void set(Connection connection, UUID endpointId, CredentialKind kind, String credential, String description)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ENDPOINT)) {
            statement.setObject(1, endpointId);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new SQLException("there is no endpoint " + endpointId, "PH006");
                }
                int version = row.getInt(2);
                SealedSecrets.Seal seal = sealed.seal(connection, row.getObject(1, UUID.class), version, credential);
                store(connection, endpointId, kind, description, version, seal);
            }
        }
    }

    /** Takes a credential away. */
    public void remove(Connection connection, UUID endpointId, CredentialKind kind) throws SQLException {
        store(connection, endpointId, kind, null, null, null);
    }

    /**
     * A credential; empty if none is set.
     *
     * @throws VaultException if it cannot be decrypted
     */
    public Optional<String> read(Connection connection, UUID endpointId, CredentialKind kind) throws SQLException {
        for (SealedSecrets.Sealed secret : sealed.select(connection, List.of(endpointId))) {
            if (secret.purpose().equals(kind.purpose())) {
                try {
                    return Optional.of(sealed.open(connection, secret));
                } catch (GeneralSecurityException e) {
                    throw new VaultException(
                            "the " + kind.label() + " of endpoint " + endpointId
                                    + " do not belong where they stand; restore table posthorn.vault_secrets",
                            e);
                }
            }
        }
        return Optional.empty();
    }

    private static void store(
            Connection connection,
            UUID endpointId,
            CredentialKind kind,
            @Nullable String description,
            @Nullable Integer version,
            SealedSecrets.@Nullable Seal seal)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(STORE)) {
            statement.setObject(1, endpointId);
            statement.setString(2, kind.label());
            statement.setString(3, description);
            statement.setObject(4, seal == null ? null : seal.id());
            statement.setObject(5, version);
            statement.setBytes(6, seal == null ? null : seal.ciphertext());
            statement.setObject(7, seal == null ? null : seal.dataKey());
            statement.execute();
        }
    }
}
