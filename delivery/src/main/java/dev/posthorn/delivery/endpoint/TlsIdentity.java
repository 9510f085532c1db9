package dev.posthorn.delivery.endpoint;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * As whom an endpoint is connected to, and whom it trusts. Two are equal if certificate, key and authorities are the same: connections, and
 * TLS sessions with them, are kept apart by it. Immutable and thread-safe.
 *
 * <p>An {@link SSLContext} of its own, and not one shared with a key manager that chooses: a context resumes sessions by host and port, and
 * would resume one endpoint's session with another's certificate.
 */
public final class TlsIdentity {
    private final String digest;
    private final @Nullable String clientCertificate;
    private final @Nullable String trustedCa;
    private volatile @Nullable SSLContext context;

    private TlsIdentity(@Nullable String clientCertificate, @Nullable String trustedCa) {
        this.clientCertificate = clientCertificate;
        this.trustedCa = trustedCa;
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update((clientCertificate == null ? "" : clientCertificate).getBytes(StandardCharsets.UTF_8));
            sha.update((byte) 0);
            sha.update((trustedCa == null ? "" : trustedCa).getBytes(StandardCharsets.UTF_8));
            this.digest = HexFormat.of().formatHex(sha.digest());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /**
     * An identity; null if nothing is special about it.
     *
     * @param clientCertificate as {@link ClientCertificate#write()} has it, or null
     * @param trustedCa PEM of the authorities that alone are trusted, or null for the usual ones
     */
    public static @Nullable TlsIdentity of(@Nullable String clientCertificate, @Nullable String trustedCa) {
        return clientCertificate == null && trustedCa == null ? null : new TlsIdentity(clientCertificate, trustedCa);
    }

    /**
     * What makes its connections; built at the first one.
     *
     * @param usual who is trusted if the endpoint names nobody
     * @throws InvalidCredentialException if what is stored cannot be read
     */
    public SSLContext context(TrustedAuthorities usual) {
        SSLContext built = context;
        if (built == null) {
            // Of two that are built at once one is dropped, with the sessions that it does not have yet.
            built = build(clientCertificate, trustedCa == null ? usual : TrustedAuthorities.ofEndpoint(trustedCa));
            context = built;
        }
        return built;
    }

    /** A context for connections without a client certificate. */
    public static SSLContext plain(TrustedAuthorities authorities) {
        return build(null, authorities);
    }

    private static SSLContext build(@Nullable String clientCertificate, TrustedAuthorities authorities) {
        KeyManager[] keys = clientCertificate == null
                ? new KeyManager[0]
                : ClientCertificate.read(clientCertificate).keyManagers();
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys, authorities.managers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no TLS: " + e.getMessage(), e);
        }
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TlsIdentity that && digest.equals(that.digest);
    }

    @Override
    public int hashCode() {
        return digest.hashCode();
    }

    @Override
    public String toString() {
        return "TlsIdentity " + digest.substring(0, 8);
    }
}
