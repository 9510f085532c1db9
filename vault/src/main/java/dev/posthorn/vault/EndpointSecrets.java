package dev.posthorn.vault;

import dev.posthorn.signing.WebhookPrivateKey;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.vault.DataKeys.DataKey;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The signing secrets and key pairs of webhook endpoints. Thread-safe.
 *
 * <p>Each method works within the transaction of the connection it is given, whose role must be {@code posthorn_service}, and neither
 * commits nor closes it. Of two nodes that make a secret for the same endpoint, the first to commit wins.
 */
public final class EndpointSecrets {
    static final String SIGNING = "endpoint_signing";
    static final String KEY_PAIR = "endpoint_key_pair";

    private static final String WITHOUT_SECRET = """
            SELECT h.endpoint_id, h.community_id
            FROM posthorn.webhook_endpoint_health AS h
            WHERE h.endpoint_id IN (
                SELECT posthorn.unlocked_endpoints(ARRAY(
                    SELECT h.endpoint_id
                    FROM posthorn.webhook_endpoint_health AS h
                    JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
                    WHERE h.secret_version IS NULL
                    ORDER BY h.endpoint_id
                    LIMIT ?)))
            """;
    private static final String STORE = "SELECT * FROM posthorn.store_endpoint_secrets(?, ?, ?, ?, ?, ?, ?)";
    private static final String ENDPOINT = """
            SELECT h.community_id, coalesce(s.id, ?), coalesce(s.version, 0)
            FROM posthorn.webhook_endpoint_health AS h
            JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
            LEFT JOIN posthorn.vault_secrets AS s ON s.owner_id = h.endpoint_id AND s.purpose = ?
            WHERE h.endpoint_id = ?
            """;

    private final DataKeys keys;
    private final EndpointVaultReader reader;

    /** A version of a secret that is to be made; 0 as long as there is none. */
    private record Unprotected(UUID endpointId, UUID communityId, UUID secretId, int version) {
        Unprotected next() {
            return new Unprotected(endpointId, communityId, secretId, version + 1);
        }

        SecretBinding binding(String purpose) {
            return new SecretBinding(communityId, secretId, version, endpointId, purpose);
        }
    }

    /** Encrypts and decrypts with data keys that the given master key wraps. */
    public EndpointSecrets(MasterKeyset master) {
        this.keys = new DataKeys(master);
        this.reader = new EndpointVaultReader(new SecretSealer(keys));
    }

    /**
     * Returns if the master key opens what this database holds, or it holds nothing yet.
     *
     * @throws VaultException otherwise, naming the key that would
     */
    public void check(Connection connection) throws SQLException {
        keys.check(connection);
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
                    endpoints.add(new Unprotected(
                            row.getObject(1, UUID.class), row.getObject(2, UUID.class), UUID.randomUUID(), 1));
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
        return reader.read(connection, endpointId);
    }

    /**
     * What the vault holds for many endpoints, read at once. Endpoints that have no secret, or whose secrets cannot be decrypted, are not
     * in the answer; {@link #read} of one of them makes the first or says what is wrong.
     */
    public Map<UUID, EndpointVault> openAll(Connection connection, Collection<UUID> endpointIds) throws SQLException {
        Map<UUID, EndpointVault> opened = reader.readAll(connection, endpointIds);
        opened.values().removeIf(vault -> vault.secrets().isEmpty());
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
            Unprotected endpoint = find(connection, endpointId, purpose);
            if (endpoint == null) {
                return false;
            }
            if (store(connection, purpose, List.of(endpoint.next()), overlap) == 1) {
                return true;
            }
            // Another node has taken this version meanwhile.
        }
        throw new VaultException(
                "the secret of endpoint " + endpointId + " is being rotated by many at once; try again", null);
    }

    /** False if there is no such endpoint. */
    private boolean makeFirst(Connection connection, UUID endpointId, String purpose) throws SQLException {
        Unprotected endpoint = find(connection, endpointId, purpose);
        if (endpoint == null) {
            return false;
        }
        // Else another node has made it meanwhile.
        if (endpoint.version() == 0) {
            store(connection, purpose, List.of(endpoint.next()), null);
        }
        return true;
    }

    private static @Nullable Unprotected find(Connection connection, UUID endpointId, String purpose)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ENDPOINT)) {
            statement.setObject(1, UUID.randomUUID());
            statement.setString(2, purpose);
            statement.setObject(3, endpointId);
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? new Unprotected(
                                endpointId, row.getObject(1, UUID.class), row.getObject(2, UUID.class), row.getInt(3))
                        : null;
            }
        }
    }

    private int store(Connection connection, String purpose, List<Unprotected> endpoints, @Nullable Duration overlap)
            throws SQLException {
        DataKey key = keys.current(connection);
        int count = endpoints.size();
        UUID[] ids = new UUID[count];
        UUID[] endpointIds = new UUID[count];
        Integer[] versions = new Integer[count];
        byte[][] ciphertexts = new byte[count][];
        for (int i = 0; i < count; i++) {
            Unprotected endpoint = endpoints.get(i);
            ids[i] = endpoint.secretId();
            endpointIds[i] = endpoint.endpointId();
            versions[i] = endpoint.version();
            ciphertexts[i] = SecretSealer.seal(key, endpoint.binding(purpose), generate(purpose))
                    .ciphertext();
        }
        try (PreparedStatement statement = connection.prepareStatement(STORE)) {
            statement.setArray(1, connection.createArrayOf("uuid", ids));
            statement.setArray(2, connection.createArrayOf("uuid", endpointIds));
            statement.setArray(3, connection.createArrayOf("int4", versions));
            statement.setArray(4, connection.createArrayOf("bytea", ciphertexts));
            statement.setObject(5, key.id());
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

    private static byte[] generate(String purpose) {
        String secret = purpose.equals(KEY_PAIR)
                ? WebhookPrivateKey.generate().encoded()
                : WebhookSecret.generate().encoded();
        return secret.getBytes(StandardCharsets.US_ASCII);
    }
}
