package dev.posthorn.vault;

import dev.posthorn.signing.WebhookPrivateKey;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.vault.SealedSecrets.Seal;
import dev.posthorn.vault.SealedSecrets.Sealed;
import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The signing secrets and key pairs of webhook endpoints. Thread-safe.
 *
 * <p>Each method works within the transaction of the connection it is given, whose role must be {@code posthorn_service}, and neither
 * commits nor closes it. Of two nodes that make a secret for the same endpoint, the first to commit wins.
 */
public final class EndpointSecrets {
    private static final String SIGNING = "endpoint_signing";
    private static final String KEY_PAIR = "endpoint_key_pair";

    private static final String WITHOUT_SECRET = """
            SELECT h.endpoint_id, h.community_id
            FROM posthorn.webhook_endpoint_health AS h
            JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
            WHERE h.secret_version IS NULL
            ORDER BY h.endpoint_id
            LIMIT ?
            """;
    private static final String STORE = "SELECT * FROM posthorn.store_endpoint_secrets(?, ?, ?, ?, ?, ?, ?)";
    private static final String ENDPOINT = """
            SELECT h.community_id, coalesce(h.secret_version, 0)
            FROM posthorn.webhook_endpoint_health AS h
            JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
            WHERE h.endpoint_id = ?
            """;

    private final SealedSecrets sealed;

    private record Unprotected(UUID endpointId, UUID communityId, int version) {}

    /** Encrypts and decrypts with data keys that the given master key wraps. */
    public EndpointSecrets(MasterKeyset master) {
        this.sealed = new SealedSecrets(new DataKeys(master));
    }

    /**
     * Returns if the master key opens what this database holds, or it holds nothing yet.
     *
     * @throws VaultException otherwise, naming the key that would
     */
    public void check(Connection connection) throws SQLException {
        sealed.keys().check(connection);
    }

    /**
     * Makes secrets for endpoints that have none.
     *
     * @return for how many; call again while it is {@code max}
     */
    public int ensure(Connection connection, int max) throws SQLException {
        List<Unprotected> endpoints = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(WITHOUT_SECRET)) {
            statement.setInt(1, max);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    endpoints.add(new Unprotected(row.getObject(1, UUID.class), row.getObject(2, UUID.class), 1));
                }
            }
        }
        return endpoints.isEmpty() ? 0 : store(connection, SIGNING, endpoints, null);
    }

    /**
     * The secrets of an endpoint that are in use, the newest first; a first one is made if there is none. Empty if there is no such
     * endpoint.
     *
     * @throws VaultException if they cannot be decrypted
     */
    public List<EndpointSecret> read(Connection connection, UUID endpointId) throws SQLException {
        List<EndpointSecret> secrets = open(connection, endpointId).secrets();
        if (secrets.isEmpty() && makeFirst(connection, endpointId, SIGNING)) {
            secrets = open(connection, endpointId).secrets();
        }
        return secrets;
    }

    /**
     * The key pairs of an endpoint that are in use, the newest first; a first one is made if there is none. Empty if there is no such
     * endpoint.
     *
     * @throws VaultException if they cannot be decrypted
     */
    public List<EndpointKeyPair> readKeyPairs(Connection connection, UUID endpointId) throws SQLException {
        List<EndpointKeyPair> pairs = open(connection, endpointId).keyPairs();
        if (pairs.isEmpty() && makeFirst(connection, endpointId, KEY_PAIR)) {
            pairs = open(connection, endpointId).keyPairs();
        }
        return pairs;
    }

    /**
     * What the vault holds for sending to an endpoint; without secrets if it has none, and nothing is made.
     *
     * @throws VaultException if it cannot be decrypted
     */
    public EndpointVault open(Connection connection, UUID endpointId) throws SQLException {
        try {
            return open(connection, sealed.select(connection, List.of(endpointId)));
        } catch (GeneralSecurityException e) {
            throw new VaultException(
                    "a secret of endpoint " + endpointId
                            + " does not belong where it stands; restore table posthorn.vault_secrets",
                    e);
        }
    }

    /**
     * What the vault holds for many endpoints, read at once. Endpoints that have no secret, or whose secrets cannot be decrypted, are not
     * in the answer; {@link #read} of one of them makes the first or says what is wrong.
     */
    public Map<UUID, EndpointVault> openAll(Connection connection, Collection<UUID> endpointIds) throws SQLException {
        Map<UUID, List<Sealed>> byEndpoint = new HashMap<>();
        for (Sealed secret : sealed.select(connection, endpointIds)) {
            byEndpoint
                    .computeIfAbsent(secret.ownerId(), key -> new ArrayList<>())
                    .add(secret);
        }
        Map<UUID, EndpointVault> opened = new HashMap<>();
        for (Map.Entry<UUID, List<Sealed>> endpoint : byEndpoint.entrySet()) {
            try {
                EndpointVault vault = open(connection, endpoint.getValue());
                if (!vault.secrets().isEmpty()) {
                    opened.put(endpoint.getKey(), vault);
                }
            } catch (GeneralSecurityException | VaultException e) {
                // Said by read, to whom it concerns; the others must not wait for it.
                opened.remove(endpoint.getKey());
            }
        }
        return opened;
    }

    /**
     * Gives an endpoint a new secret; those before it stay in use for a while, so that receivers can change over.
     *
     * @param overlap how long older ones are still signed with
     * @return the secrets now in use, the new one first; empty if there is no such endpoint
     * @throws SQLException with state PH007 if more than 16 would be in use
     */
    public List<EndpointSecret> rotate(Connection connection, UUID endpointId, Duration overlap) throws SQLException {
        return rotate(connection, endpointId, SIGNING, overlap)
                ? open(connection, endpointId).secrets()
                : List.of();
    }

    /** The same for the key pair. */
    public List<EndpointKeyPair> rotateKeyPair(Connection connection, UUID endpointId, Duration overlap)
            throws SQLException {
        return rotate(connection, endpointId, KEY_PAIR, overlap)
                ? open(connection, endpointId).keyPairs()
                : List.of();
    }

    private boolean rotate(Connection connection, UUID endpointId, String purpose, Duration overlap)
            throws SQLException {
        for (int round = 0; round < 10; round++) {
            Unprotected endpoint = find(connection, endpointId);
            if (endpoint == null) {
                return false;
            }
            Unprotected next = new Unprotected(endpointId, endpoint.communityId(), endpoint.version() + 1);
            if (store(connection, purpose, List.of(next), overlap) == 1) {
                return true;
            }
            // Another node has taken this version meanwhile.
        }
        throw new VaultException(
                "the secret of endpoint " + endpointId + " is being rotated by many at once; try again", null);
    }

    /** Always version 1, so that of two nodes that make one at the same moment the first wins. */
    private boolean makeFirst(Connection connection, UUID endpointId, String purpose) throws SQLException {
        Unprotected endpoint = find(connection, endpointId);
        if (endpoint == null) {
            return false;
        }
        store(connection, purpose, List.of(new Unprotected(endpointId, endpoint.communityId(), 1)), null);
        return true;
    }

    private @Nullable Unprotected find(Connection connection, UUID endpointId) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ENDPOINT)) {
            statement.setObject(1, endpointId);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? new Unprotected(endpointId, row.getObject(1, UUID.class), row.getInt(2)) : null;
            }
        }
    }

    private int store(Connection connection, String purpose, List<Unprotected> endpoints, @Nullable Duration overlap)
            throws SQLException {
        Supplier<String> generator = purpose.equals(KEY_PAIR)
                ? () -> WebhookPrivateKey.generate().encoded()
                : () -> WebhookSecret.generate().encoded();
        int count = endpoints.size();
        UUID[] ids = new UUID[count];
        UUID[] endpointIds = new UUID[count];
        Integer[] versions = new Integer[count];
        byte[][] ciphertexts = new byte[count][];
        UUID dataKey = sealed.keys().current(connection).id();
        for (int i = 0; i < count; i++) {
            Unprotected endpoint = endpoints.get(i);
            Seal seal = sealed.seal(connection, endpoint.communityId(), endpoint.version(), generator.get());
            ids[i] = seal.id();
            endpointIds[i] = endpoint.endpointId();
            versions[i] = endpoint.version();
            ciphertexts[i] = seal.ciphertext();
        }
        try (PreparedStatement statement = connection.prepareStatement(STORE)) {
            statement.setArray(1, connection.createArrayOf("uuid", ids));
            statement.setArray(2, connection.createArrayOf("uuid", endpointIds));
            statement.setArray(3, connection.createArrayOf("int4", versions));
            statement.setArray(4, connection.createArrayOf("bytea", ciphertexts));
            statement.setObject(5, dataKey);
            if (overlap == null) {
                statement.setNull(6, Types.INTEGER);
            } else {
                statement.setInt(6, Math.toIntExact(overlap.toSeconds()));
            }
            statement.setString(7, purpose);
            int stored = 0;
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    stored++;
                }
            }
            return stored;
        }
    }

    private EndpointVault open(Connection connection, List<Sealed> ofOne)
            throws SQLException, GeneralSecurityException {
        List<EndpointSecret> secrets = new ArrayList<>();
        List<EndpointKeyPair> keyPairs = new ArrayList<>();
        Map<CredentialKind, String> credentials = new EnumMap<>(CredentialKind.class);
        for (Sealed secret : ofOne) {
            String text = sealed.open(connection, secret);
            switch (secret.purpose()) {
                case SIGNING ->
                    secrets.add(new EndpointSecret(WebhookSecret.parse(text), secret.version(), secret.expiresAt()));
                case KEY_PAIR ->
                    keyPairs.add(
                            new EndpointKeyPair(WebhookPrivateKey.parse(text), secret.version(), secret.expiresAt()));
                default -> {
                    for (CredentialKind kind : CredentialKind.values()) {
                        if (kind.purpose().equals(secret.purpose())) {
                            credentials.put(kind, text);
                        }
                    }
                }
            }
        }
        return new EndpointVault(secrets, keyPairs, credentials);
    }
}
