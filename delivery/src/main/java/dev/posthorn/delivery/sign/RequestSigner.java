package dev.posthorn.delivery.sign;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.EndpointProfiles;
import dev.posthorn.delivery.endpoint.SignatureScheme;
import dev.posthorn.signing.GitHubStyleSignature;
import dev.posthorn.signing.SigningKey;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookSigner;
import dev.posthorn.vault.EndpointKeyPair;
import dev.posthorn.vault.EndpointSecret;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Signs claimed deliveries with the secrets of their endpoints. Thread-safe.
 *
 * <p>Signed at each attempt, with the attempt's own time: a signature of the first attempt would be refused as a replay after a day of
 * retries. The time is the database's at the claim plus what has passed since, so that a wrong clock of this machine does no harm.
 */
public final class RequestSigner {
    private final EndpointProfiles profiles;
    private final String userAgent;

    /**
     * @param profiles what is known of the endpoints
     * @param version of Posthorn, for the {@code user-agent} header
     */
    public RequestSigner(EndpointProfiles profiles, String version) {
        this.profiles = profiles;
        this.userAgent = "Posthorn/" + version;
    }

    /**
     * Signs.
     *
     * @throws SQLException if the secret had to be read and the database cannot be reached
     * @throws dev.posthorn.vault.VaultException if it cannot be decrypted
     */
    public SignedRequest sign(ClaimedDelivery delivery) throws SQLException {
        EndpointProfile profile = profiles.of(delivery);
        Instant now = delivery.claimedAt().plusNanos(System.nanoTime() - delivery.claimedNanos());
        long seconds = now.getEpochSecond();
        byte[] body = delivery.body();
        String id = delivery.eventId().toString();
        // The endpoint's own come first: whatever is set after them replaces what has the same name.
        Map<String, String> headers = new LinkedHashMap<>(profile.headers());
        headers.put("content-type", contentType(delivery.payloadFormat()));
        headers.put("user-agent", userAgent);
        headers.put("webhook-id", id);
        headers.put("webhook-timestamp", Long.toString(seconds));
        List<WebhookSecret> secrets = secrets(profile, now);
        Set<SignatureScheme> schemes = profile.schemes();
        headers.put("webhook-signature", new WebhookSigner(keys(profile, secrets, now)).sign(id, seconds, body));
        if (schemes.contains(SignatureScheme.GITHUB)) {
            // It has room for one: the oldest signs until its overlap is over, and by then the receiver has the newer
            // one besides.
            WebhookSecret oldest = secrets.get(secrets.size() - 1);
            headers.put(GitHubStyleSignature.HEADER, new GitHubStyleSignature(List.of(oldest.encoded())).sign(body));
        }
        if (schemes.contains(SignatureScheme.STRIPE)) {
            List<String> texts = secrets.stream().map(WebhookSecret::encoded).toList();
            headers.put(profile.signatureHeader(), new StripeStyleSignature(texts).sign(seconds, body));
        }
        headers.put("posthorn-delivery-id", delivery.id().toString());
        headers.put("posthorn-attempt", Integer.toString(delivery.attempt()));
        return new SignedRequest(delivery, profile, headers, body);
    }

    private static List<? extends SigningKey> keys(EndpointProfile profile, List<WebhookSecret> secrets, Instant now) {
        if (!profile.schemes().contains(SignatureScheme.V1A)) {
            return secrets;
        }
        List<SigningKey> keys = new ArrayList<>();
        if (profile.schemes().contains(SignatureScheme.V1)) {
            keys.addAll(secrets);
        }
        for (EndpointKeyPair pair : profile.keyPairs()) {
            if (isInUse(pair.expiresAt(), now)) {
                keys.add(pair.key());
            }
        }
        return keys;
    }

    private static List<WebhookSecret> secrets(EndpointProfile profile, Instant now) {
        List<WebhookSecret> inUse = new ArrayList<>(profile.secrets().size());
        for (EndpointSecret secret : profile.secrets()) {
            if (isInUse(secret.expiresAt(), now)) {
                inUse.add(secret.secret());
            }
        }
        return inUse;
    }

    private static boolean isInUse(@Nullable Instant end, Instant now) {
        return end == null || now.isBefore(end);
    }

    private static String contentType(String payloadFormat) {
        return payloadFormat.equals("cloudevents") ? "application/cloudevents+json" : "application/json";
    }
}
