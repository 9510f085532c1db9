package dev.posthorn.vault;

import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.vault.DataKeys.DataKey;
import dev.posthorn.vault.SecretSealer.Sealed;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The signing secrets of webhook endpoints. Thread-safe.
 *
 * <p>Each method works within the transaction of the connection it is given, whose role must be {@code posthorn_service}, and neither
 * commits nor closes it. Of two nodes that make a secret for the same endpoint, the first to commit wins.
 */
public final class EndpointSecrets {
    private static final String WITHOUT_SECRET = """
            SELECT h.endpoint_id, h.community_id
            FROM posthorn.webhook_endpoint_health AS h
            JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
            WHERE h.secret_version IS NULL
            ORDER BY h.endpoint_id
            LIMIT ?
            """;
    private static final String STORE = "SELECT * FROM posthorn.store_endpoint_secrets(?, ?, ?, ?, ?, ?)";
    private static final String ENDPOINT = """
            SELECT h.community_id, coalesce(s.id, ?), coalesce(s.version, 0)
            FROM posthorn.webhook_endpoint_health AS h
            JOIN posthorn.webhook_endpoints AS e ON e.id = h.endpoint_id AND e.deleted_at IS NULL
            LEFT JOIN posthorn.vault_secrets AS s ON s.owner_id = h.endpoint_id AND s.purpose = 'endpoint_signing'
            WHERE h.endpoint_id = ?
            """;
    private static final String READ = """
            SELECT s.owner_id, s.id, s.community_id, v.version, v.ciphertext, v.data_key_id, v.expires_at
            FROM posthorn.vault_secrets AS s
            JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id
            WHERE s.owner_id = ANY (?)
              AND s.purpose = 'endpoint_signing'
              AND (v.expires_at IS NULL OR v.expires_at > posthorn.clock_now())
            ORDER BY s.owner_id, v.version DESC
            """;
    private static final String PURPOSE = "endpoint_signing";

    private final DataKeys keys;
    private final SecretSealer sealer;

    private record Unprotected(UUID endpointId, UUID communityId, UUID secretId, int version) {
        Unprotected next() {
            return new Unprotected(endpointId, communityId, secretId, version + 1);
        }

        SecretBinding binding() {
            return new SecretBinding(communityId, secretId, version, endpointId, PURPOSE);
        }
    }

    private record Stored(
            Unprotected of, Sealed sealed, @Nullable Instant expiresAt) {}

    /** Encrypts and decrypts with data keys that the given master key wraps. */
    public EndpointSecrets(MasterKeyset master) {
        this.keys = new DataKeys(master);
        this.sealer = new SecretSealer(keys);
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
        return endpoints.isEmpty() ? 0 : store(connection, endpoints, null);
    }

    /**
     * The secrets of an endpoint that are in use, the newest first; a first one is made if there is none. Empty if there is no such
     * endpoint.
     *
     * @throws VaultException if they cannot be decrypted
     */
    public List<EndpointSecret> read(Connection connection, UUID endpointId) throws SQLException {
        List<EndpointSecret> secrets = select(connection, endpointId);
        if (secrets.isEmpty()) {
            Unprotected endpoint = find(connection, endpointId);
            if (endpoint != null) {
                if (endpoint.version() == 0) {
                    store(connection, List.of(endpoint.next()), null);
                }
                // Else another node has made it meanwhile.
                secrets = select(connection, endpointId);
            }
        }
        return secrets;
    }

    /**
     * The secrets in use of many endpoints, read at once, the newest first. Endpoints that have none, or whose secrets cannot be decrypted,
     * are not in the answer; {@link #read} of one of them makes the first or says what is wrong.
     */
    public Map<UUID, List<EndpointSecret>> readAll(Connection connection, Collection<UUID> endpointIds)
            throws SQLException {
        Map<UUID, List<EndpointSecret>> secrets = new HashMap<>();
        Set<UUID> damaged = new HashSet<>();
        for (Stored stored : select(connection, endpointIds)) {
            UUID endpointId = stored.of().endpointId();
            try {
                secrets.computeIfAbsent(endpointId, key -> new ArrayList<>()).add(open(connection, stored));
            } catch (VaultException e) {
                damaged.add(endpointId);
            }
        }
        secrets.keySet().removeAll(damaged);
        return secrets;
    }

    /**
     * Gives an endpoint a new secret; those before it stay in use for a while, so that receivers can change over.
     *
     * @param overlap how long older ones are still signed with
     * @return the secrets now in use, the new one first; empty if there is no such endpoint
     */
    public List<EndpointSecret> rotate(Connection connection, UUID endpointId, Duration overlap) throws SQLException {
        for (int round = 0; round < 10; round++) {
            Unprotected endpoint = find(connection, endpointId);
            if (endpoint == null) {
                return List.of();
            }
            if (store(connection, List.of(endpoint.next()), overlap) == 1) {
                return select(connection, endpointId);
            }
            // Another node has taken this version meanwhile.
        }
        throw new VaultException(
                "the secret of endpoint " + endpointId + " is being rotated by many at once; try again", null);
    }

    private @Nullable Unprotected find(Connection connection, UUID endpointId) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ENDPOINT)) {
            statement.setObject(1, UUID.randomUUID());
            statement.setObject(2, endpointId);
            try (ResultSet row = statement.executeQuery()) {
                return row.next()
                        ? new Unprotected(
                                endpointId, row.getObject(1, UUID.class), row.getObject(2, UUID.class), row.getInt(3))
                        : null;
            }
        }
    }

    private int store(Connection connection, List<Unprotected> endpoints, @Nullable Duration overlap)
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
            byte[] secret = WebhookSecret.generate().encoded().getBytes(StandardCharsets.US_ASCII);
            ciphertexts[i] = SecretSealer.seal(key, endpoint.binding(), secret).ciphertext();
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
            int stored = 0;
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    stored++;
                }
            }
            return stored;
        }
    }

    private List<EndpointSecret> select(Connection connection, UUID endpointId) throws SQLException {
        List<EndpointSecret> secrets = new ArrayList<>();
        for (Stored stored : select(connection, List.of(endpointId))) {
            secrets.add(open(connection, stored));
        }
        return secrets;
    }

    private static List<Stored> select(Connection connection, Collection<UUID> endpointIds) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setArray(1, connection.createArrayOf("uuid", endpointIds.toArray()));
            List<Stored> secrets = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    OffsetDateTime end = row.getObject(7, OffsetDateTime.class);
                    secrets.add(new Stored(
                            new Unprotected(
                                    row.getObject(1, UUID.class),
                                    row.getObject(3, UUID.class),
                                    row.getObject(2, UUID.class),
                                    row.getInt(4)),
                            new Sealed(row.getBytes(5), row.getObject(6, UUID.class)),
                            end == null ? null : end.toInstant()));
                }
            }
            return secrets;
        }
    }

    private EndpointSecret open(Connection connection, Stored stored) throws SQLException {
        byte[] plain = sealer.open(connection, stored.of().binding(), stored.sealed());
        return new EndpointSecret(
                WebhookSecret.parse(new String(plain, StandardCharsets.US_ASCII)),
                stored.of().version(),
                stored.expiresAt());
    }
}
