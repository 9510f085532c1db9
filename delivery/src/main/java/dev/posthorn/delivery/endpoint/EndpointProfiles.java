package dev.posthorn.delivery.endpoint;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.EndpointVault;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The profiles of endpoints, kept in memory. Thread-safe.
 *
 * <p>Whatever changes a profile gives the endpoint another {@code secret_version}, and with the next claim another key here: nothing must be
 * told, and a delivery costs no statement.
 */
public final class EndpointProfiles {
    private static final Logger LOG = LoggerFactory.getLogger(EndpointProfiles.class);
    private static final String SETTINGS = """
            SELECT e.id, e.signature_schemes, e.signature_header, e.trusted_ca FROM posthorn.webhook_endpoints AS e WHERE e.id = ANY (?)
            """;

    private final ServiceSession session;
    private final EndpointSecrets secrets;
    private final Cache<Key, EndpointProfile> known = Caffeine.newBuilder()
            .maximumSize(10_000)
            .expireAfterWrite(Duration.ofMinutes(10))
            .build();

    private record Key(UUID endpointId, int secretVersion) {}

    /** @param secrets what opens the secrets */
    public EndpointProfiles(ServiceSession session, EndpointSecrets secrets) {
        this.session = session;
        this.secrets = secrets;
    }

    /**
     * Reads the profiles that are not known yet, all at once; without it each is read when it is first needed.
     *
     * @throws SQLException if the database cannot be reached
     */
    public void prepare(List<ClaimedDelivery> claimed) throws SQLException {
        Map<UUID, Key> unknown = new HashMap<>();
        for (ClaimedDelivery delivery : claimed) {
            Key key = new Key(delivery.endpointId(), delivery.secretVersion());
            if (known.getIfPresent(key) == null) {
                unknown.put(key.endpointId(), key);
            }
        }
        if (!unknown.isEmpty()) {
            session.repeatably(connection -> read(connection, unknown.keySet()))
                    .forEach((endpoint, profile) -> known.put(requireNonNull(unknown.get(endpoint)), profile));
        }
    }

    /**
     * The profile with which a delivery is sent.
     *
     * @throws SQLException if it had to be read and the database cannot be reached
     * @throws dev.posthorn.vault.VaultException if it cannot be decrypted
     * @throws IllegalArgumentException if what was decrypted is no credential
     */
    public EndpointProfile of(ClaimedDelivery delivery) throws SQLException {
        Key key = new Key(delivery.endpointId(), delivery.secretVersion());
        EndpointProfile profile = known.getIfPresent(key);
        if (profile == null) {
            // A secret or key pair that is made on the way must outlive a crash: its first signature may be out
            // already.
            profile = session.durably(connection -> read(connection, delivery.endpointId()));
            known.put(key, profile);
        }
        return profile;
    }

    private EndpointProfile read(Connection connection, UUID endpoint) throws SQLException {
        EndpointProfile.Settings settings =
                settings(connection, Set.of(endpoint)).get(endpoint);
        if (settings == null || secrets.read(connection, endpoint).isEmpty()) {
            throw new SQLException("endpoint " + endpoint + " has no secret");
        }
        if (settings.schemes().contains(SignatureScheme.V1A)
                && secrets.readKeyPairs(connection, endpoint).isEmpty()) {
            throw new SQLException("endpoint " + endpoint + " has no key pair");
        }
        return EndpointProfile.of(secrets.open(connection, endpoint), settings);
    }

    private Map<UUID, EndpointProfile> read(Connection connection, Collection<UUID> endpoints) throws SQLException {
        Map<UUID, EndpointProfile.Settings> settings = settings(connection, endpoints);
        Map<UUID, EndpointProfile> profiles = new HashMap<>();
        for (Map.Entry<UUID, EndpointVault> vault :
                secrets.openAll(connection, endpoints).entrySet()) {
            EndpointProfile.Settings own = settings.get(vault.getKey());
            // Without a key pair it is read by itself, which makes one.
            if (own != null
                    && !(own.schemes().contains(SignatureScheme.V1A)
                            && vault.getValue().keyPairs().isEmpty())) {
                try {
                    profiles.put(vault.getKey(), EndpointProfile.of(vault.getValue(), own));
                } catch (IllegalArgumentException e) {
                    LOG.debug("the credentials of endpoint {} cannot be read", vault.getKey(), e);
                }
            }
        }
        return profiles;
    }

    private static Map<UUID, EndpointProfile.Settings> settings(Connection connection, Collection<UUID> endpoints)
            throws SQLException {
        Map<UUID, EndpointProfile.Settings> settings = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(SETTINGS)) {
            statement.setArray(1, connection.createArrayOf("uuid", endpoints.toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    Set<SignatureScheme> schemes = EnumSet.noneOf(SignatureScheme.class);
                    for (String label : (String[]) row.getArray(2).getArray()) {
                        schemes.add(SignatureScheme.of(label));
                    }
                    settings.put(
                            row.getObject(1, UUID.class),
                            new EndpointProfile.Settings(schemes, row.getString(3), row.getString(4)));
                }
            }
        }
        return settings;
    }
}
