package dev.posthorn.benchmarks.receiver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A key and a certificate for 127.0.0.1, made anew for one run and trusted by this process alone.
 *
 * @param file PKCS #12, in a folder of its own; deleted when this process ends
 */
public record Certificate(Path file) {
    static final String PASSWORD = "benchmark";

    /** Makes one with the JDK's {@code keytool} and lets this process trust it; call it before anything here has used TLS. */
    public static Certificate make() throws IOException, InterruptedException {
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
                .inheritIO()
                .start();
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool of the JDK made no certificate");
        }
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", PASSWORD);
        // In the reverse order.
        folder.toFile().deleteOnExit();
        file.toFile().deleteOnExit();
        return new Certificate(file);
    }
}
