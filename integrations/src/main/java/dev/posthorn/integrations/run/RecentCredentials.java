package dev.posthorn.integrations.run;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.integrations.CredentialsSource;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import java.time.Duration;
import java.util.UUID;

/**
 * Credentials as the vault gave them within the last half minute, so that not every push costs a reading of it. Whatever changes them gives the
 * secret another version, and with the next push another key here: nothing must be dropped. Only what is changed outside of Posthorn, in a
 * store that it merely reads, is used for that half minute more. Thread-safe.
 */
final class RecentCredentials {
    private static final Duration KEPT = Duration.ofSeconds(30);
    private static final int MOST = 1_000;

    private final CredentialsSource source;
    private final Cache<Key, Credentials> known =
            Caffeine.newBuilder().maximumSize(MOST).expireAfterWrite(KEPT).build();

    private record Key(UUID integration, UUID secret, int version) {}

    RecentCredentials(CredentialsSource source) {
        this.source = source;
    }

    /** Those of an integration; {@link Credentials#NONE} if it has none. */
    Credentials read(PresentIntegration integration) throws ConnectorException {
        UUID secret = integration.secret();
        if (secret == null) {
            return Credentials.NONE;
        }
        Integer version = integration.secretVersion();
        if (version == null) {
            return source.read(integration.community(), secret, integration.id());
        }
        Key key = new Key(integration.id(), secret, version);
        Credentials present = known.getIfPresent(key);
        if (present == null) {
            present = source.read(integration.community(), secret, integration.id());
            known.put(key, present);
        }
        return present;
    }
}
