package dev.posthorn.delivery.endpoint;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;

/** Certificate chain and private key with which requests to an endpoint show who sends them (mutual TLS). Immutable. */
public final class ClientCertificate {
    private static final String CERTIFICATE = "/client_certificate/certificate";
    private static final String KEY = "/client_certificate/private_key";

    private final List<X509Certificate> chain;
    private final PrivateKey key;

    private ClientCertificate(List<X509Certificate> chain, PrivateKey key) {
        this.chain = chain;
        this.key = key;
    }

    /**
     * Reads what an endpoint's owner gives.
     *
     * @param certificate the chain in PEM, the client's own certificate first
     * @param privateKey PKCS#8 in PEM, without a password
     * @param now the present time
     * @throws InvalidCredentialException if they cannot be read or do not belong together, the chain is out of order, or the certificate is
     *     not valid now
     */
    public static ClientCertificate parse(String certificate, String privateKey, Instant now) {
        if (certificate.length() > Pem.LARGEST) {
            throw new InvalidCredentialException(CERTIFICATE, "certificate must have at most 65536 characters");
        }
        if (privateKey.length() > Pem.LARGEST) {
            throw new InvalidCredentialException(KEY, "private_key must have at most 65536 characters");
        }
        ClientCertificate pair = of(certificate, privateKey);
        X509Certificate own = pair.chain.get(0);
        if (now.isAfter(own.getNotAfter().toInstant())) {
            throw new InvalidCredentialException(
                    CERTIFICATE,
                    "the certificate has expired at " + own.getNotAfter().toInstant());
        }
        if (now.isBefore(own.getNotBefore().toInstant())) {
            throw new InvalidCredentialException(
                    CERTIFICATE,
                    "the certificate is not valid before " + own.getNotBefore().toInstant());
        }
        for (int i = 1; i < pair.chain.size(); i++) {
            try {
                pair.chain.get(i - 1).verify(pair.chain.get(i).getPublicKey());
            } catch (GeneralSecurityException e) {
                throw new InvalidCredentialException(
                        CERTIFICATE,
                        "certificate " + (i + 1)
                                + " has not signed the one before it; give the chain with the own first");
            }
        }
        return pair;
    }

    /** As the vault kept it. */
    static ClientCertificate read(String stored) {
        return of(stored, stored);
    }

    private static ClientCertificate of(String certificate, String privateKey) {
        List<X509Certificate> chain = List.copyOf(Pem.certificates(CERTIFICATE, certificate));
        PublicKey own = chain.get(0).getPublicKey();
        PrivateKey key = Pem.privateKey(KEY, privateKey, own.getAlgorithm());
        if (!fits(key, own)) {
            throw new InvalidCredentialException(KEY, "the private key does not belong to the first certificate");
        }
        return new ClientCertificate(chain, key);
    }

    private static boolean fits(PrivateKey key, PublicKey certified) {
        if (key instanceof RSAPrivateKey secret && certified instanceof RSAPublicKey known) {
            return secret.getModulus().equals(known.getModulus());
        }
        String algorithm = switch (certified.getAlgorithm()) {
            case "EC" -> "SHA256withECDSA";
            case "EdDSA", "Ed25519", "Ed448" -> "EdDSA";
            default -> "";
        };
        if (algorithm.isEmpty()) {
            throw new InvalidCredentialException(
                    CERTIFICATE, "the certificate's key must be RSA, EC or Ed25519, it is " + certified.getAlgorithm());
        }
        try {
            byte[] something = {1, 2, 3};
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(something);
            byte[] signed = signature.sign();
            signature.initVerify(certified);
            signature.update(something);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** Distinguished name of its owner. */
    public String subject() {
        return chain.get(0).getSubjectX500Principal().getName();
    }

    /** Distinguished name of who has signed it. */
    public String issuer() {
        return chain.get(0).getIssuerX500Principal().getName();
    }

    /** Until when it is valid. */
    public Instant notAfter() {
        return chain.get(0).getNotAfter().toInstant();
    }

    /** SHA-256 of the certificate, in hexadecimal. */
    public String fingerprint() {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256")
                            .digest(chain.get(0).getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a parsed certificate can be encoded", e);
        }
    }

    /** As the vault keeps it: chain and key in one PEM text. It is a secret. */
    public String write() {
        Base64.Encoder base64 = Base64.getMimeEncoder(64, new byte[] {'\n'});
        StringBuilder pem = new StringBuilder();
        try {
            for (X509Certificate certificate : chain) {
                block(pem, "CERTIFICATE", base64.encodeToString(certificate.getEncoded()));
            }
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a parsed certificate can be encoded", e);
        }
        block(pem, "PRIVATE KEY", base64.encodeToString(key.getEncoded()));
        return pem.toString();
    }

    private static void block(StringBuilder pem, String label, String base64) {
        pem.append("-----BEGIN ").append(label).append("-----\n");
        pem.append(base64).append("\n-----END ").append(label).append("-----\n");
    }

    KeyManager[] keyManagers() {
        char[] unused = {};
        try {
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, null);
            store.setKeyEntry("client", key, unused, chain.toArray(new Certificate[0]));
            KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
            factory.init(store, unused);
            return factory.getKeyManagers();
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException("the client certificate cannot be used: " + e.getMessage(), e);
        }
    }
}
