package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.testkit.RawServer;
import dev.posthorn.testkit.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What surrounds the JVM, in a JVM of its own: proxy settings are ignored, the hosts file is judged like any answer, old TLS is refused. */
@Timeout(120)
class SurroundingsTest {
    private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    @TempDir
    Path folder;

    @Test
    void proxies_of_system_properties_and_environment_are_ignored() throws Exception {
        try (RawServer proxy = RawServer.start(client -> {
                    client.readRequest();
                    client.write(OK);
                });
                RawServer target = RawServer.start(client -> {
                    while (!client.readRequest().isEmpty()) {
                        client.write(OK);
                    }
                })) {
            List<String> options = new ArrayList<>(List.of("-Djava.net.useSystemProxies=true"));
            for (String kind : List.of("http.proxy", "https.proxy", "socksProxy", "ftp.proxy")) {
                options.add("-D" + kind + "Host=127.0.0.1");
                options.add("-D" + kind + "Port=" + proxy.port());
            }
            options.add("-Dhttp.nonProxyHosts=");
            String url = proxy.url("");
            Map<String, String> environment = Map.of(
                    "http_proxy",
                    url,
                    "HTTP_PROXY",
                    url,
                    "https_proxy",
                    url,
                    "HTTPS_PROXY",
                    url,
                    "all_proxy",
                    url,
                    "ALL_PROXY",
                    url,
                    "no_proxy",
                    "",
                    "NO_PROXY",
                    "");
            assertThat(ChildJvm.run(
                            List.of(),
                            environment,
                            options,
                            SendOnce.class,
                            "127.0.0.1",
                            target.url("/"),
                            target.url("/").replace("http:", "https:")))
                    .satisfiesExactly(
                            first -> assertThat(first).isEqualTo("answered 200"),
                            // The target speaks no TLS, but is asked itself.
                            second -> assertThat(second).matches("(tls|timeout|io).*"));
            assertThat(proxy.connections()).isZero();
            assertThat(target.connections()).isEqualTo(2);
        }
    }

    @Test
    void the_hosts_file_is_no_way_around() throws Exception {
        try (RawServer inside = RawServer.start(client -> client.write(OK))) {
            Path hosts = Files.writeString(folder.resolve("hosts"), """
                    127.0.0.1 loopback.example.com
                    10.0.0.1 private.example.com
                    93.184.216.34 mixed.example.com
                    127.0.0.1 mixed.example.com
                    ::1 six.example.com
                    ::ffff:127.0.0.1 mapped.example.com
                    """);
            List<String> names = List.of("loopback", "private", "mixed", "six", "mapped");
            String port = ":" + inside.port() + "/";
            List<String> told = ChildJvm.run(
                    List.of(),
                    Map.of(),
                    List.of("-Djdk.net.hosts.file=" + hosts),
                    SendOnce.class,
                    "-",
                    "https://loopback.example.com" + port,
                    "https://private.example.com" + port,
                    "https://mixed.example.com" + port,
                    "https://six.example.com" + port,
                    "https://mapped.example.com" + port,
                    "https://unknown.example.com" + port);
            assertThat(told.subList(0, names.size()))
                    .allMatch(line -> line.equals(
                            "address_refused: the host's name leads to an address that may not be sent to"));
            assertThat(told.getLast()).isEqualTo("dns: the host's name could not be resolved");
            assertThat(inside.connections()).isZero();
        }
    }

    @Test
    void a_server_that_speaks_old_tls_only_is_refused_even_where_java_would_speak_it() throws Exception {
        Path enabled = folder.resolve("old.security");
        Files.writeString(enabled, "jdk.tls.disabledAlgorithms=SSLv3\njdk.certpath.disabledAlgorithms=MD2\n");
        for (String version : List.of("TLSv1", "TLSv1.1")) {
            assertThat(ChildJvm.run(
                            List.of(),
                            Map.of(),
                            List.of("-Djava.security.properties=" + enabled),
                            OldServer.class,
                            version))
                    .last()
                    .isEqualTo("TLSv1.1 is possible here; "
                            + "tls_version: the server does not speak TLS 1.2 or 1.3: turn one of them on");
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
                    RequestSender sender = Sending.here(TrustedAuthorities.only(authority.certificatePem()))) {
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
                String url = "https://hooks.example.com:" + server.getLocalPort() + "/";
                System.out.println("TLSv1.1 is possible here; " + Sending.send(sender, url, Sending.PLAIN));
            }
        }
    }
}
