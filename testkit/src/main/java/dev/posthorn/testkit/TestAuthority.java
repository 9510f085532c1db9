package dev.posthorn.testkit;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/** A certification authority of a test's own. Thread-safe. */
public final class TestAuthority {
    private static final AtomicLong SERIAL = new AtomicLong(1);

    private final Identity root;

    /**
     * A certificate with its key.
     *
     * @param chain its certificate, then those that lead to an authority, without it
     */
    public record Identity(KeyPair keys, List<X509Certificate> chain) {
        /** The chain in PEM. */
        public String certificatePem() {
            StringBuilder pem = new StringBuilder();
            chain.forEach(certificate -> pem.append(TestAuthority.pem(certificate)));
            return pem.toString();
        }

        /** The private key, PKCS#8 in PEM. */
        public String privateKeyPem() {
            try {
                return TestAuthority.pem(new JcaPKCS8Generator(keys.getPrivate(), null));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Makes one. */
    public TestAuthority(String name) {
        root = issue("CN=" + name, null, true, List.of(), Instant.now().plus(Duration.ofDays(365)), "EC");
    }

    /** Its certificate in PEM. */
    public String certificatePem() {
        return pem(root.chain().get(0));
    }

    /** A certificate for a server of these names or addresses, valid for a day. */
    public Identity server(String... names) {
        return server(Instant.now().plus(Duration.ofDays(1)), names);
    }

    /** A certificate for a server, valid until a moment that may have passed; it began a day before it. */
    public Identity server(Instant notAfter, String... names) {
        return issue("CN=" + names[0], root, false, List.of(names), notAfter, "EC");
    }

    /** A certificate for a client, valid for a day. */
    public Identity client(String name) {
        return client(name, Instant.now().plus(Duration.ofDays(1)), "EC");
    }

    /** A certificate for a client; the algorithm of its key is EC, RSA or Ed25519. */
    public Identity client(String name, Instant notAfter, String algorithm) {
        return issue("CN=" + name, root, false, List.of(), notAfter, algorithm);
    }

    /** An authority below this one: what it issues has its certificate in the chain. */
    public TestAuthority below(String name) {
        return new TestAuthority(
                issue("CN=" + name, root, true, List.of(), Instant.now().plus(Duration.ofDays(30)), "EC"));
    }

    private TestAuthority(Identity root) {
        this.root = root;
    }

    /** What a server needs to be one of these, and to believe clients that this authority has certified. */
    public SSLContext serverContext(Identity identity) {
        try {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(null, null);
            keys.setKeyEntry(
                    "server",
                    identity.keys().getPrivate(),
                    new char[0],
                    identity.chain().toArray(Certificate[]::new));
            KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
            own.init(keys, new char[0]);
            KeyStore authorities = KeyStore.getInstance("PKCS12");
            authorities.load(null, null);
            authorities.setCertificateEntry("ca", root.chain().get(0));
            TrustManagerFactory others = TrustManagerFactory.getInstance("PKIX");
            others.init(authorities);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(own.getKeyManagers(), others.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Identity issue(
            String subject,
            @Nullable Identity issuer,
            boolean authority,
            List<String> names,
            Instant notAfter,
            String algorithm) {
        try {
            KeyPair keys = keys(algorithm);
            Instant now = Instant.now();
            Instant notBefore = (notAfter.isBefore(now) ? notAfter : now).minus(Duration.ofDays(1));
            X500Name by = issuer == null
                    ? new X500Name(subject)
                    : new X500Name(
                            issuer.chain().get(0).getSubjectX500Principal().getName());
            var builder = new JcaX509v3CertificateBuilder(
                    by,
                    BigInteger.valueOf(SERIAL.getAndIncrement()),
                    Date.from(notBefore),
                    Date.from(notAfter),
                    new X500Name(subject),
                    keys.getPublic());
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
            if (!names.isEmpty()) {
                GeneralName[] alternatives = names.stream()
                        .map(name -> new GeneralName(
                                name.matches("[0-9.]+|.*:.*") ? GeneralName.iPAddress : GeneralName.dNSName, name))
                        .toArray(GeneralName[]::new);
                builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(alternatives));
            }
            KeyPair signer = issuer == null ? keys : issuer.keys();
            X509Certificate certificate = new JcaX509CertificateConverter()
                    .getCertificate(
                            builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer.getPrivate())));
            List<X509Certificate> chain = new ArrayList<>(List.of(certificate));
            if (issuer != null && !isRoot(issuer)) {
                chain.addAll(issuer.chain());
            }
            return new Identity(keys, List.copyOf(chain));
        } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isRoot(Identity issuer) {
        X509Certificate own = issuer.chain().get(0);
        return own.getSubjectX500Principal().equals(own.getIssuerX500Principal());
    }

    private static KeyPair keys(String algorithm) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
        switch (algorithm) {
            case "EC" -> generator.initialize(new ECGenParameterSpec("secp256r1"));
            case "RSA" -> generator.initialize(2048);
            default -> {
                // Has one size.
            }
        }
        return generator.generateKeyPair();
    }

    private static String pem(Object what) {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            writer.writeObject(what);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return text.toString();
    }
}
