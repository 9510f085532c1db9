package dev.posthorn.vault;

import java.util.List;
import java.util.Map;

/**
 * What the vault holds for sending to an endpoint, opened.
 *
 * @param secrets signing secrets in use, the newest first; never empty
 * @param keyPairs key pairs in use, the newest first; empty if none was made
 * @param credentials by kind, those that were set
 */
public record EndpointVault(
        List<EndpointSecret> secrets, List<EndpointKeyPair> keyPairs, Map<CredentialKind, String> credentials) {
    /** Copies what it is given. */
    public EndpointVault {
        secrets = List.copyOf(secrets);
        keyPairs = List.copyOf(keyPairs);
        credentials = Map.copyOf(credentials);
    }

    /** Says how many there are, and nothing of them. */
    @Override
    public String toString() {
        return "EndpointVault[secrets=" + secrets.size() + ", keyPairs=" + keyPairs.size() + ", credentials="
                + credentials.keySet() + "]";
    }
}
