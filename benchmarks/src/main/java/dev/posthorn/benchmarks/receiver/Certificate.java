package dev.posthorn.benchmarks.receiver;

import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.SSLContext;

/**
 * A key and a certificate for 127.0.0.1, made anew for one run and trusted by nobody else.
 *
 * @param file PKCS #12, in a folder of its own; deleted when this process ends
 * @param pem the certificate alone, for whoever shall trust it
 * @param trusting a context that takes it
 */
public record Certificate(Path file, String pem, SSLContext trusting) {
    static final String PASSWORD = "benchmark";

    /** Makes one with the JDK's {@code keytool}. */
    public static Certificate make() throws IOException, InterruptedException, GeneralSecurityException {
        Path folder = Files.createTempDirectory("posthorn-bench-tls-");
        Path file = folder.resolve("receiver.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "receiver",
                        "-keyalg",
                        "EC",
                        "-groupname",
                        "secp256r1",
                        "-dname",
                        "CN=receiver",
                        "-ext",
                        "san=ip:127.0.0.1",
                        "-validity",
                        "2",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        file.toString(),
                        "-storepass",
                        PASSWORD)
                .redirectErrorStream(true)
                .start();
        String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool of the JDK made no certificate: " + said);
        }
        // In the reverse order.
        folder.toFile().deleteOnExit();
        file.toFile().deleteOnExit();
        KeyStore store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
        String pem = "-----BEGIN CERTIFICATE-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'})
                        .encodeToString(store.getCertificate("receiver").getEncoded())
                + "\n-----END CERTIFICATE-----\n";
        SSLContext trusting = SSLContext.getInstance("TLS");
        trusting.init(null, TrustedAuthorities.only(pem).managers(), null);
        return new Certificate(file, pem, trusting);
    }
}
