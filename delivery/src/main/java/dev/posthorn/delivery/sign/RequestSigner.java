package dev.posthorn.delivery.sign;

import static java.util.Objects.requireNonNull;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookSigner;
import dev.posthorn.vault.EndpointSecret;
import dev.posthorn.vault.EndpointSecrets;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Signs claimed deliveries with the secrets of their endpoints. Thread-safe.
 *
 * <p>Signed at each attempt, with the attempt's own time: a signature of the first attempt would be refused as a replay after a day of
 * retries. The time is the database's at the claim plus what has passed since, so that a wrong clock of this machine does no harm.
 */
public final class RequestSigner {
    private final ServiceSession session;
    private final EndpointSecrets secrets;
    private final String userAgent;

    /** A rotation gives the endpoint another newest version, and with the next claim another key here: nothing must be told. */
    private final Cache<Key, List<EndpointSecret>> known = Caffeine.newBuilder()
            .maximumSize(10_000)
            .expireAfterWrite(Duration.ofMinutes(10))
            .build();

    private record Key(UUID endpointId, int secretVersion) {}

    /**
     * @param secrets what opens the secrets
     * @param version of Posthorn, for the {@code user-agent} header
     */
    public RequestSigner(ServiceSession session, EndpointSecrets secrets, String version) {
        this.session = session;
        this.secrets = secrets;
        this.userAgent = "Posthorn/" + version;
    }

    /**
     * Reads the secrets that are not known yet, all at once; without it each is read when it is first needed.
     *
     * @throws SQLException if the database cannot be reached; the deliveries may be signed all the same
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
            session.repeatably(connection -> secrets.readAll(connection, unknown.keySet()))
                    .forEach((endpointId, all) -> known.put(requireNonNull(unknown.get(endpointId)), all));
        }
    }

    /**
     * Signs.
     *
     * @throws SQLException if the secret had to be read and the database cannot be reached
     * @throws dev.posthorn.vault.VaultException if it cannot be decrypted
     */
    public SignedRequest sign(ClaimedDelivery delivery) throws SQLException {
        Instant now = delivery.claimedAt().plusNanos(System.nanoTime() - delivery.claimedNanos());
        byte[] body = delivery.body();
        String id = delivery.eventId().toString();
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("content-type", contentType(delivery.payloadFormat()));
        headers.put("user-agent", userAgent);
        headers.put("webhook-id", id);
        headers.put("webhook-timestamp", Long.toString(now.getEpochSecond()));
        headers.put("webhook-signature", new WebhookSigner(inUse(delivery, now)).sign(id, now.getEpochSecond(), body));
        headers.put("posthorn-delivery-id", delivery.id().toString());
        headers.put("posthorn-attempt", Integer.toString(delivery.attempt()));
        return new SignedRequest(delivery, headers, body);
    }

    private List<WebhookSecret> inUse(ClaimedDelivery delivery, Instant now) throws SQLException {
        Key key = new Key(delivery.endpointId(), delivery.secretVersion());
        List<EndpointSecret> all = known.getIfPresent(key);
        if (all == null) {
            all = session.repeatably(connection -> secrets.read(connection, delivery.endpointId()));
            if (all.isEmpty()) {
                throw new SQLException("endpoint " + delivery.endpointId() + " has no secret");
            }
            known.put(key, all);
        }
        List<WebhookSecret> inUse = new ArrayList<>(all.size());
        for (EndpointSecret secret : all) {
            Instant end = secret.expiresAt();
            if (end == null || now.isBefore(end)) {
                inUse.add(secret.secret());
            }
        }
        return inUse;
    }

    private static String contentType(String payloadFormat) {
        return payloadFormat.equals("cloudevents") ? "application/cloudevents+json" : "application/json";
    }
}
