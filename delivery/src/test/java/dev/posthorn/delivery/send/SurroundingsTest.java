package dev.posthorn.delivery.send;

import static dev.posthorn.delivery.send.Sending.HERE;
import static dev.posthorn.delivery.send.Sending.LOOPBACK;
import static dev.posthorn.delivery.send.Sending.PLAIN;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.testkit.TestAuthority;
import dev.posthorn.testkit.TestReceiver;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a Java process was started with must not change how it sends. Each test starts one. */
class SurroundingsTest {
    @TempDir
    Path folder;

    @Test
    void proxies_of_environment_and_system_properties_are_ignored() throws Exception {
        try (TestReceiver target = TestReceiver.start();
                TestProxy proxy = new TestProxy()) {
            String port = Integer.toString(proxy.port());
            String address = "http://127.0.0.1:" + port;
            String said = java(
                    Map.of("http_proxy", address, "https_proxy", address, "ALL_PROXY", address, "HTTP_PROXY", address),
                    List.of(
                            "-Dhttp.proxyHost=127.0.0.1",
                            "-Dhttp.proxyPort=" + port,
                            "-Dhttps.proxyHost=127.0.0.1",
                            "-Dhttps.proxyPort=" + port,
                            "-DsocksProxyHost=127.0.0.1",
                            "-DsocksProxyPort=" + port,
                            "-Dhttp.nonProxyHosts=",
                            "-Djava.net.useSystemProxies=true"),
                    SendOnce.class,
                    "http://hooks.example.com:" + target.port() + "/x");
            assertThat(said).isEqualTo("answered 200");
            assertThat(target.received()).hasSize(1);
            assertThat(proxy.asked()).isEmpty();
        }
    }

    @Test
    void a_server_that_speaks_old_tls_only_is_refused_even_where_java_would_speak_it() throws Exception {
        Path enabled = folder.resolve("old.security");
        Files.writeString(enabled, "jdk.tls.disabledAlgorithms=SSLv3\njdk.certpath.disabledAlgorithms=MD2\n");
        for (String version : List.of("TLSv1", "TLSv1.1")) {
            assertThat(java(Map.of(), List.of("-Djava.security.properties=" + enabled), OldServer.class, version))
                    .isEqualTo("TLSv1.1 is possible here; "
                            + "tls_version: the server does not speak TLS 1.2 or 1.3: turn one of them on");
        }
    }

    private static String java(Map<String, String> environment, List<String> options, Class<?> main, String argument)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName(), argument));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        return output.lines().reduce((first, second) -> second).orElse("");
    }

    /** Sends one request and prints what came of it. */
    static final class SendOnce {
        private SendOnce() {}

        public static void main(String[] arguments) throws InterruptedException {
            AddressPolicy policy =
                    AddressPolicy.builder().allowHttp(true).allow("127.0.0.0/8").build();
            try (RequestSender sender = new RequestSender(policy, HERE, TrustedAuthorities.SYSTEM, null)) {
                System.out.println(Sending.send(sender, arguments[0], PLAIN));
            }
        }
    }

    /** A server of an old version of TLS, to which one request is sent. */
    static final class OldServer {
        private OldServer() {}

        public static void main(String[] arguments) throws Exception {
            assertThat(Security.getProperty("jdk.tls.disabledAlgorithms")).isEqualTo("SSLv3");
            TestAuthority authority = new TestAuthority("CA");
            try (SSLServerSocket server = (SSLServerSocket) authority
                            .serverContext(authority.server("hooks.example.com"))
                            .getServerSocketFactory()
                            .createServerSocket(0, 16, InetAddress.getLoopbackAddress());
                    RequestSender sender = new RequestSender(
                            LOOPBACK, HERE, TrustedAuthorities.only(authority.certificatePem()), null)) {
                server.setEnabledProtocols(new String[] {arguments[0]});
                Thread.ofVirtual().start(() -> {
                    while (!server.isClosed()) {
                        try (SSLSocket socket = (SSLSocket) server.accept()) {
                            socket.startHandshake();
                        } catch (IOException refused) {
                            // As it should be.
                        }
                    }
                });
                System.out.println("TLSv1.1 is possible here; "
                        + Sending.send(sender, "https://hooks.example.com:" + server.getLocalPort() + "/", PLAIN));
            }
        }
    }
}
