package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLContext;

/**
 * A key and a certificate for 127.0.0.1, made anew for one run and trusted by this process alone.
 *
 * @param file PKCS #12, in a folder of its own; deleted when this process ends
 * @param trusting a context that takes it
 */
public record Certificate(Path file, SSLContext trusting) {
    static final String PASSWORD = "benchmark";

    /** Makes one with the JDK's {@code keytool} and lets every TLS client that this process makes from now on trust it. */
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
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", PASSWORD);
        // The default context may have been made before, without it.
        SSLContext trusting = SSLContext.getInstance("TLS");
        trusting.init(null, null, null);
        return new Certificate(file, trusting);
    }
}
