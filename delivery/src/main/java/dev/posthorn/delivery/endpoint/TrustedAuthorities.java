package dev.posthorn.delivery.endpoint;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/** The certification authorities by which servers are believed. Immutable and thread-safe. */
public final class TrustedAuthorities {
    /** Those that this Java trusts, by {@code javax.net.ssl.trustStore} or of its own. */
    public static final TrustedAuthorities SYSTEM = new TrustedAuthorities(managers(null));

    private static final String OPERATOR = "/tls.ca.file";

    private final TrustManager[] managers;

    private TrustedAuthorities(TrustManager[] managers) {
        this.managers = managers;
    }

    /**
     * Those of a PEM text, and no others.
     *
     * @throws InvalidCredentialException if it holds none, or one that cannot be read
     */
    public static TrustedAuthorities only(String pem) {
        return new TrustedAuthorities(managers(store(Pem.certificates(OPERATOR, pem))));
    }

    /**
     * Those that this Java trusts, and those of a PEM text.
     *
     * @throws InvalidCredentialException if it holds none, or one that cannot be read
     */
    public static TrustedAuthorities systemAnd(String pem) {
        List<X509Certificate> all = new java.util.ArrayList<>(Pem.certificates(OPERATOR, pem));
        for (TrustManager manager : SYSTEM.managers) {
            if (manager instanceof X509TrustManager system) {
                all.addAll(List.of(system.getAcceptedIssuers()));
            }
        }
        return new TrustedAuthorities(managers(store(all)));
    }

    /**
     * Returns if an endpoint may name these as the only authorities that it trusts.
     *
     * @throws InvalidCredentialException saying what is wrong with {@code /trusted_ca}
     */
    public static void checkEndpoint(String pem) {
        if (pem.length() > Pem.LARGEST) {
            throw new InvalidCredentialException("/trusted_ca", "trusted_ca must have at most 65536 characters");
        }
        Pem.certificates("/trusted_ca", pem);
    }

    static TrustedAuthorities ofEndpoint(String pem) {
        return new TrustedAuthorities(managers(store(Pem.certificates("/trusted_ca", pem))));
    }

    /** For an {@link javax.net.ssl.SSLContext}. */
    public TrustManager[] managers() {
        return managers.clone();
    }

    private static KeyStore store(List<X509Certificate> certificates) {
        try {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (int i = 0; i < certificates.size(); i++) {
                store.setCertificateEntry("ca-" + i, certificates.get(i));
            }
            return store;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("certificates could not be gathered: " + e.getMessage(), e);
        }
    }

    private static TrustManager[] managers(@Nullable KeyStore store) {
        try {
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(store);
            return factory.getTrustManagers();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no trust manager: " + e.getMessage(), e);
        }
    }
}
