package dev.posthorn.delivery.send;

import static dev.posthorn.delivery.send.Sending.PLAIN;
import static dev.posthorn.delivery.send.Sending.here;
import static dev.posthorn.delivery.send.Sending.profile;
import static dev.posthorn.delivery.send.Sending.send;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.endpoint.ClientCertificate;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.SecretMask;
import dev.posthorn.delivery.endpoint.TlsIdentity;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.testkit.TestAuthority;
import dev.posthorn.testkit.TestAuthority.Identity;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Received;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** TLS with real servers on loopback. Each name leads to this machine, each policy permits it. */
class TlsTest {
    private static final TestAuthority AUTHORITY = new TestAuthority("Operator CA");
    private static final TestAuthority STRANGER = new TestAuthority("Somebody else's CA");

    private static RequestSender sender() {
        return here(TrustedAuthorities.only(AUTHORITY.certificatePem()));
    }

    private static TestReceiver server(Identity identity) {
        return TestReceiver.start(AUTHORITY.serverContext(identity), false);
    }

    private static String named(TestReceiver server) {
        return "https://hooks.example.com:" + server.port() + "/x";
    }

    private static EndpointProfile with(@Nullable Identity client, @Nullable String trustedCa) {
        String pair = client == null
                ? null
                : ClientCertificate.parse(client.certificatePem(), client.privateKeyPem(), Instant.now())
                        .write();
        return profile(null, TlsIdentity.of(pair, trustedCa), SecretMask.NONE);
    }

    @Test
    void a_server_that_the_operators_authority_has_certified_is_believed() throws Exception {
        try (TestReceiver server = server(AUTHORITY.server("hooks.example.com"));
                TestReceiver below = server(AUTHORITY.below("Intermediate").server("hooks.example.com"));
                RequestSender sender = sender()) {
            assertThat(send(sender, named(server), PLAIN)).isEqualTo("answered 200");
            assertThat(send(sender, named(below), PLAIN)).isEqualTo("answered 200");
        }
    }

    @Test
    void the_operators_authority_stands_beside_those_of_the_system_or_in_their_place() throws Exception {
        try (TestReceiver server = server(AUTHORITY.server("hooks.example.com"));
                RequestSender added = here(TrustedAuthorities.systemAnd(AUTHORITY.certificatePem()));
                RequestSender system = here(TrustedAuthorities.SYSTEM)) {
            assertThat(send(added, named(server), PLAIN)).isEqualTo("answered 200");
            assertThat(send(system, named(server), PLAIN)).startsWith("tls_untrusted: ");
        }
        X509TrustManager added = (X509TrustManager)
                TrustedAuthorities.systemAnd(AUTHORITY.certificatePem()).managers()[0];
        X509TrustManager only = (X509TrustManager)
                TrustedAuthorities.only(AUTHORITY.certificatePem()).managers()[0];
        assertThat(added.getAcceptedIssuers().length).isGreaterThan(50);
        assertThat(only.getAcceptedIssuers()).hasSize(1);
    }

    @Test
    void an_expired_certificate_is_told_apart() throws Exception {
        Identity expired = AUTHORITY.server(Instant.now().minus(Duration.ofMinutes(5)), "hooks.example.com");
        try (TestReceiver server = server(expired);
                RequestSender sender = sender()) {
            assertThat(send(sender, named(server), PLAIN))
                    .isEqualTo("tls_expired: the server's certificate has expired or is not valid yet: renew it");
            assertThat(server.received()).isEmpty();
        }
    }

    @Test
    void a_certificate_for_another_name_is_told_apart() throws Exception {
        try (TestReceiver server = server(AUTHORITY.server("other.example.com"));
                RequestSender sender = sender()) {
            assertThat(send(sender, named(server), PLAIN))
                    .isEqualTo(
                            "tls_name: the server's certificate is for another name: it must name hooks.example.com");
            // An address must be named as an address.
            assertThat(send(sender, server.url("/x"), PLAIN))
                    .startsWith("tls_name: ")
                    .endsWith("127.0.0.1");
            assertThat(server.received()).isEmpty();
        }
    }

    @Test
    void a_strangers_certificate_is_told_apart_also_where_more_is_wrong_with_it() throws Exception {
        try (TestReceiver server = server(STRANGER.server("hooks.example.com"));
                TestReceiver misnamed = server(STRANGER.server("other.example.com"));
                RequestSender sender = sender()) {
            assertThat(send(sender, named(server), PLAIN))
                    .startsWith("tls_untrusted: the server's certificate is not signed by an authority");
            assertThat(send(sender, named(misnamed), PLAIN)).startsWith("tls_untrusted: ");
            assertThat(server.received()).isEmpty();
        }
    }

    @Test
    void a_server_without_tls_is_said_to_be_one() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
                RequestSender sender = sender()) {
            Thread.ofVirtual().start(() -> {
                try (Socket socket = server.accept()) {
                    socket.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(US_ASCII));
                    socket.shutdownOutput();
                    socket.getInputStream().readAllBytes();
                } catch (IOException ended) {
                    // The client has seen enough.
                }
            });
            assertThat(send(sender, "https://hooks.example.com:" + server.getLocalPort() + "/", PLAIN))
                    .startsWith("tls: the server does not speak TLS");
        }
    }

    @Test
    void an_endpoint_that_names_its_authority_trusts_no_other() throws Exception {
        try (TestReceiver strange = server(STRANGER.server("hooks.example.com"));
                TestReceiver usual = server(AUTHORITY.server("hooks.example.com"));
                RequestSender sender = sender()) {
            EndpointProfile own = with(null, STRANGER.certificatePem());
            assertThat(send(sender, named(strange), own)).isEqualTo("answered 200");
            assertThat(send(sender, named(usual), own)).startsWith("tls_untrusted: ");
            assertThat(send(sender, named(usual), PLAIN)).isEqualTo("answered 200");
            // What SQL stored without a look.
            assertThat(send(
                            sender,
                            named(usual),
                            with(null, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")))
                    .isEqualTo("tls: trusted_ca: certificate 1 is not an X.509 certificate");
        }
    }

    @Test
    void a_client_shows_its_certificate_and_no_connection_serves_two() throws Exception {
        try (TestReceiver server =
                        TestReceiver.start(AUTHORITY.serverContext(AUTHORITY.server("hooks.example.com")), true);
                RequestSender sender = sender()) {
            EndpointProfile first = with(AUTHORITY.client("first"), null);
            EndpointProfile second =
                    with(AUTHORITY.client("second", Instant.now().plus(Duration.ofDays(1)), "RSA"), null);
            EndpointProfile below = with(AUTHORITY.below("Clients").client("third"), null);
            for (int round = 0; round < 5; round++) {
                assertThat(send(sender, named(server), first)).isEqualTo("answered 200");
                assertThat(send(sender, named(server), second)).isEqualTo("answered 200");
                assertThat(send(sender, named(server), below)).isEqualTo("answered 200");
            }
            assertThat(server.received())
                    .extracting(Received::client)
                    .hasSize(15)
                    .isEqualTo(IntStream.range(0, 15)
                            .mapToObj(i ->
                                    List.of("CN=first", "CN=second", "CN=third").get(i % 3))
                            .toList());
            // Without one, or with a stranger's, nothing arrives.
            for (EndpointProfile none : List.of(PLAIN, with(STRANGER.client("first"), null))) {
                assertThat(send(sender, named(server), none)).doesNotStartWith("answered");
            }
            assertThat(server.received()).hasSize(15);
        }
    }

    @Test
    void a_thousand_client_certificates_need_one_client_and_little_memory() throws Exception {
        int endpoints = 1000;
        List<Identity> clients = IntStream.range(0, endpoints)
                .mapToObj(i -> AUTHORITY.client("client " + i))
                .toList();
        TrustedAuthorities authorities = TrustedAuthorities.only(AUTHORITY.certificatePem());
        try (TestReceiver server =
                        TestReceiver.start(AUTHORITY.serverContext(AUTHORITY.server("hooks.example.com")), true);
                RequestSender sender = sender()) {
            assertThat(send(sender, named(server), with(AUTHORITY.client("warm up"), null)))
                    .isEqualTo("answered 200");
            int threads = Thread.activeCount();
            long before = used();
            List<EndpointProfile> profiles = new ArrayList<>();
            for (Identity client : clients) {
                EndpointProfile profile = with(client, null);
                profiles.add(profile);
                // Straight at the context: a thousand open connections would measure the server of the test, too.
                SSLContext context = Objects.requireNonNull(profile.tls()).context(authorities);
                assertThat(context.createSSLEngine("hooks.example.com", 443)).isNotNull();
            }
            long each = (used() - before) / endpoints;
            System.out.println("memory per mTLS endpoint: " + each + " bytes");
            assertThat(each).isLessThan(64 * 1024);
            for (EndpointProfile profile : profiles.subList(0, 50)) {
                assertThat(send(sender, named(server), profile)).isEqualTo("answered 200");
            }
            assertThat(Thread.activeCount()).isLessThan(threads + 20);
        }
    }

    private static long used() {
        Runtime runtime = Runtime.getRuntime();
        System.gc();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
