package dev.posthorn.delivery.endpoint;

import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import dev.posthorn.vault.CredentialKind;
import dev.posthorn.vault.EndpointKeyPair;
import dev.posthorn.vault.EndpointSecret;
import dev.posthorn.vault.EndpointVault;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How requests to an endpoint are made. Immutable.
 *
 * @param secrets signing secrets in use, the newest first
 * @param keyPairs key pairs in use, the newest first
 * @param schemes how they sign
 * @param signatureHeader where the signature of {@link SignatureScheme#STRIPE} goes
 * @param headers the endpoint's own, and {@code authorization} where it does not change
 * @param tokenGrant how a bearer token is fetched; null if none is
 * @param tls as whom it is connected to; null as for all others
 * @param mask hides what is secret in it
 */
public record EndpointProfile(
        List<EndpointSecret> secrets,
        List<EndpointKeyPair> keyPairs,
        Set<SignatureScheme> schemes,
        String signatureHeader,
        Map<String, String> headers,
        @Nullable ClientCredentials tokenGrant,
        @Nullable TlsIdentity tls,
        SecretMask mask) {
    /** What stands in the database about an endpoint besides its secrets. */
    record Settings(
            Set<SignatureScheme> schemes,
            String signatureHeader,
            @Nullable String trustedCa) {}

    static EndpointProfile of(EndpointVault vault, Settings settings) {
        Map<CredentialKind, String> credentials = vault.credentials();
        Map<String, String> headers = new LinkedHashMap<>();
        List<String> hidden = new ArrayList<>();
        String own = credentials.get(CredentialKind.HEADERS);
        if (own != null) {
            headers.putAll(CustomHeaders.read(own));
            hidden.addAll(headers.values());
        }
        ClientCredentials grant = null;
        String stored = credentials.get(CredentialKind.AUTHENTICATION);
        if (stored != null) {
            switch (Authentication.read(stored)) {
                case Authentication.Basic basic -> {
                    headers.put("authorization", basic.header());
                    hidden.add(basic.password());
                    hidden.add(basic.header().substring("Basic ".length()));
                }
                case Authentication.Bearer bearer -> {
                    headers.put("authorization", bearer.header());
                    hidden.add(bearer.token());
                }
                case ClientCredentials fetched -> grant = fetched;
            }
        }
        return new EndpointProfile(
                vault.secrets(),
                vault.keyPairs(),
                settings.schemes(),
                settings.signatureHeader(),
                headers,
                grant,
                TlsIdentity.of(credentials.get(CredentialKind.CLIENT_CERTIFICATE), settings.trustedCa()),
                SecretMask.of(hidden));
    }

    /** Says nothing of what is in it. */
    @Override
    public String toString() {
        return "EndpointProfile" + schemes;
    }
}
