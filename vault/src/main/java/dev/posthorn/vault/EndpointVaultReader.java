package dev.posthorn.vault;

import dev.posthorn.signing.WebhookPrivateKey;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.vault.SecretSealer.Sealed;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Reads and opens all that sending to endpoints needs, with one statement for all of it. Thread-safe. */
final class EndpointVaultReader {
    private static final String READ = """
            SELECT s.owner_id, s.purpose, s.id, s.community_id, v.version, v.ciphertext, v.data_key_id, v.expires_at
            FROM posthorn.vault_secrets AS s
            JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id
            WHERE s.owner_id = ANY (?)
              AND s.purpose LIKE 'endpoint\\_%'
              AND (v.expires_at IS NULL OR v.expires_at > posthorn.clock_now())
            ORDER BY s.owner_id, v.version DESC
            """;

    private final SecretSealer sealer;

    private record Stored(
            SecretBinding binding, Sealed sealed, @Nullable Instant expiresAt) {}

    EndpointVaultReader(SecretSealer sealer) {
        this.sealer = sealer;
    }

    /**
     * What the vault holds for an endpoint; empty lists for what it has not.
     *
     * @throws VaultException if it cannot be decrypted
     */
    EndpointVault read(Connection connection, UUID endpointId) throws SQLException {
        return open(connection, select(connection, List.of(endpointId)).getOrDefault(endpointId, List.of()));
    }

    /** The same of many; those that have nothing or whose secrets cannot be decrypted are left out. */
    Map<UUID, EndpointVault> readAll(Connection connection, Collection<UUID> endpointIds) throws SQLException {
        Map<UUID, EndpointVault> opened = new HashMap<>();
        for (Map.Entry<UUID, List<Stored>> endpoint :
                select(connection, endpointIds).entrySet()) {
            try {
                opened.put(endpoint.getKey(), open(connection, endpoint.getValue()));
            } catch (VaultException e) {
                // Said to whom it concerns, when that endpoint alone is read; the others must not wait for it.
                opened.remove(endpoint.getKey());
            }
        }
        return opened;
    }

    private static Map<UUID, List<Stored>> select(Connection connection, Collection<UUID> endpointIds)
            throws SQLException {
        Map<UUID, List<Stored>> stored = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setArray(1, connection.createArrayOf("uuid", endpointIds.toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    UUID endpointId = row.getObject(1, UUID.class);
                    OffsetDateTime end = row.getObject(8, OffsetDateTime.class);
                    stored.computeIfAbsent(endpointId, key -> new ArrayList<>())
                            .add(new Stored(
                                    new SecretBinding(
                                            row.getObject(4, UUID.class),
                                            row.getObject(3, UUID.class),
                                            row.getInt(5),
                                            endpointId,
                                            row.getString(2)),
                                    new Sealed(row.getBytes(6), row.getObject(7, UUID.class)),
                                    end == null ? null : end.toInstant()));
                }
            }
        }
        return stored;
    }

    private EndpointVault open(Connection connection, List<Stored> ofOne) throws SQLException {
        List<EndpointSecret> secrets = new ArrayList<>();
        List<EndpointKeyPair> keyPairs = new ArrayList<>();
        Map<CredentialKind, String> credentials = new EnumMap<>(CredentialKind.class);
        for (Stored stored : ofOne) {
            SecretBinding binding = stored.binding();
            String text = new String(sealer.open(connection, binding, stored.sealed()), StandardCharsets.UTF_8);
            switch (binding.purpose()) {
                case EndpointSecrets.SIGNING ->
                    secrets.add(new EndpointSecret(WebhookSecret.parse(text), binding.version(), stored.expiresAt()));
                case EndpointSecrets.KEY_PAIR ->
                    keyPairs.add(
                            new EndpointKeyPair(WebhookPrivateKey.parse(text), binding.version(), stored.expiresAt()));
                default -> {
                    for (CredentialKind kind : CredentialKind.values()) {
                        if (kind.purpose().equals(binding.purpose())) {
                            credentials.putIfAbsent(kind, text);
                        }
                    }
                }
            }
        }
        return new EndpointVault(secrets, keyPairs, credentials);
    }
}
