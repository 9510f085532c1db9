package dev.posthorn.delivery.endpoint;

import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads certificates and private keys in PEM (RFC 7468). */
final class Pem {
    static final int LARGEST = 64 * 1024;

    private static final int MOST_CERTIFICATES = 200;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]*)-----END \\1-----");

    private Pem() {}

    /** All certificates of a text, at least one. */
    static List<X509Certificate> certificates(String pointer, String pem) {
        List<X509Certificate> certificates = new ArrayList<>();
        Matcher block = BLOCK.matcher(pem);
        while (block.find()) {
            if (!block.group(1).equals("CERTIFICATE")) {
                continue;
            }
            try {
                certificates.add((X509Certificate) CertificateFactory.getInstance("X.509")
                        .generateCertificate(new ByteArrayInputStream(bytes(block.group(2)))));
            } catch (CertificateException | IllegalArgumentException e) {
                throw new InvalidCredentialException(
                        pointer, "certificate " + (certificates.size() + 1) + " is not an X.509 certificate");
            }
        }
        if (certificates.isEmpty()) {
            throw new InvalidCredentialException(
                    pointer, "there is no certificate; give PEM, beginning with -----BEGIN CERTIFICATE-----");
        }
        if (certificates.size() > MOST_CERTIFICATES) {
            throw new InvalidCredentialException(pointer, "there are more than " + MOST_CERTIFICATES + " certificates");
        }
        return certificates;
    }

    /** The one private key of a text, which goes with a public key of the given algorithm. */
    static PrivateKey privateKey(String pointer, String pem, String algorithm) {
        Matcher block = BLOCK.matcher(pem);
        while (block.find()) {
            String label = block.group(1);
            switch (label) {
                case "PRIVATE KEY" -> {
                    try {
                        return KeyFactory.getInstance(algorithm)
                                .generatePrivate(new PKCS8EncodedKeySpec(bytes(block.group(2))));
                    } catch (GeneralSecurityException | IllegalArgumentException e) {
                        throw new InvalidCredentialException(
                                pointer,
                                "the private key cannot be read as one of the certificate's algorithm, " + algorithm);
                    }
                }
                case "ENCRYPTED PRIVATE KEY" ->
                    throw new InvalidCredentialException(
                            pointer,
                            "the private key is encrypted; give it without a password: openssl pkcs8 -topk8 -nocrypt");
                case "RSA PRIVATE KEY", "EC PRIVATE KEY" ->
                    throw new InvalidCredentialException(
                            pointer, "the private key must be PKCS#8; convert it: openssl pkcs8 -topk8 -nocrypt");
                default -> {
                    // Parameters and certificates may stand in the same file.
                }
            }
        }
        throw new InvalidCredentialException(
                pointer, "there is no private key; give PKCS#8 in PEM, beginning with -----BEGIN PRIVATE KEY-----");
    }

    private static byte[] bytes(String base64) {
        return Base64.getMimeDecoder().decode(base64);
    }
}
