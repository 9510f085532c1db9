package dev.posthorn.vault.hashicorp;

import dev.posthorn.vault.VaultException;
import dev.posthorn.vault.VaultException.Reason;
import java.net.URI;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the operator's HashiCorp Vault or OpenBao is. It is named by the operator, never by a tenant, so the address policy for webhooks has
 * no say in it: private addresses are usual here. Proxies of the environment are not used, redirects are not followed.
 *
 * @param address such as {@code https://vault.internal:8200}; {@code http} only to this machine itself
 * @param namespace the namespace; null for none
 * @param mount where the KV secrets engine, version 2, is mounted
 * @param prefix folder under which Posthorn keeps its secrets
 * @param caFile certificates in PEM that its TLS certificate must descend from; null for those that Java trusts
 */
public record HashicorpSettings(
        URI address,
        @Nullable String namespace,
        String mount,
        String prefix,
        @Nullable Path caFile) {
    /** Checks each part; a {@link VaultException} with {@link Reason#INVALID} says what is wrong. */
    public HashicorpSettings {
        String host = address.getHost();
        boolean own = host != null && (host.equals("127.0.0.1") || host.equals("localhost") || host.equals("[::1]"));
        if (host == null || address.getRawQuery() != null || address.getRawUserInfo() != null) {
            throw invalid("the vault's address must be such as https://vault.internal:8200, it is " + address);
        }
        if (!"https".equals(address.getScheme()) && !("http".equals(address.getScheme()) && own)) {
            throw invalid("the vault's address " + address + " must begin with https, unless it is on this machine");
        }
        checkPath("mount", mount);
        checkPath("prefix", prefix);
    }

    private static void checkPath(String what, String path) {
        if (!path.matches("[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*") || path.contains("..")) {
            throw invalid("the vault's " + what + " must be such as a/b, of letters, digits, ., _ and -, it is \""
                    + path + "\"");
        }
    }

    private static VaultException invalid(String message) {
        return new VaultException(Reason.INVALID, message, null);
    }
}
