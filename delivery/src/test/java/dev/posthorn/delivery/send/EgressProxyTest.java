package dev.posthorn.delivery.send;

import static dev.posthorn.delivery.send.Sending.PLAIN;
import static dev.posthorn.delivery.send.Sending.profile;
import static dev.posthorn.delivery.send.Sending.request;
import static dev.posthorn.delivery.send.Sending.send;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.SecretMask;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.outage.Fault;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.testkit.TestAuthority;
import dev.posthorn.testkit.TestProxy;
import dev.posthorn.testkit.TestReceiver;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Everything through a proxy. Names lead to a public address, which the proxy of the test takes for this machine. */
class EgressProxyTest {
    private static final String PUBLIC = "93.184.216.34";
    private static final TestAuthority AUTHORITY = new TestAuthority("CA");
    private static final AddressPolicy POLICY =
            AddressPolicy.builder().allowHttp(true).allow(PUBLIC + "/32").build();
    private static final HostResolver NAMES =
            name -> List.of(IpAddress.parse(PUBLIC).orElseThrow());

    private static RequestSender through(TestProxy proxy, @Nullable String credentials) {
        return through(proxy.port(), credentials, NAMES);
    }

    private static RequestSender through(int port, @Nullable String credentials, HostResolver names) {
        return through(port, credentials, names, new OwnSide(null, true));
    }

    private static RequestSender through(int port, @Nullable String credentials, HostResolver names, OwnSide ownSide) {
        return new RequestSender(
                POLICY,
                names,
                TrustedAuthorities.only(AUTHORITY.certificatePem()),
                EgressProxy.parse("127.0.0.1:" + port, credentials),
                ownSide);
    }

    @Test
    void https_goes_to_the_vetted_address_under_the_name() throws Exception {
        try (TestReceiver server =
                        TestReceiver.start(AUTHORITY.serverContext(AUTHORITY.server("hooks.example.com")), false);
                TestProxy proxy = new TestProxy();
                RequestSender sender = through(proxy, "ann:s3cret")) {
            String url = "https://hooks.example.com:" + server.port() + "/x";
            assertThat(send(sender, url, PLAIN)).isEqualTo("answered 200");
            assertThat(send(sender, url, PLAIN)).isEqualTo("answered 200");
            String authority = PUBLIC + ":" + server.port();
            // One tunnel for both; the name is nobody's business but the target's.
            assertThat(proxy.asked())
                    .containsExactly(List.of(
                            "CONNECT " + authority + " HTTP/1.1",
                            "Host: " + authority,
                            "Proxy-Authorization: Basic YW5uOnMzY3JldA=="));
            assertThat(server.received()).hasSize(2).allSatisfy(request -> {
                assertThat(request.header("host")).isEqualTo("hooks.example.com:" + server.port());
                assertThat(request.header("proxy-authorization")).isEmpty();
            });
            assertThat(send(sender, url.replace("hooks", "other"), PLAIN)).startsWith("tls_name: ");
        }
    }

    @Test
    void http_goes_the_same_way() throws Exception {
        try (TestReceiver server = TestReceiver.start();
                TestProxy proxy = new TestProxy();
                RequestSender sender = through(proxy, null)) {
            assertThat(send(sender, "http://hooks.example.com:" + server.port() + "/x?y=1", PLAIN))
                    .isEqualTo("answered 200");
            String authority = PUBLIC + ":" + server.port();
            assertThat(proxy.asked())
                    .containsExactly(List.of("CONNECT " + authority + " HTTP/1.1", "Host: " + authority));
            assertThat(server.received().get(0).path()).isEqualTo("/x?y=1");
            assertThat(server.received().get(0).header("host")).isEqualTo("hooks.example.com:" + server.port());
        }
    }

    @Test
    void what_the_policy_refuses_is_not_asked_of_the_proxy() throws Exception {
        try (TestProxy proxy = new TestProxy();
                RequestSender sender = through(
                        proxy.port(),
                        null,
                        name -> List.of(IpAddress.parse("10.0.0.1").orElseThrow()))) {
            assertThat(send(sender, "https://hooks.example.com/", PLAIN)).startsWith("address_refused: ");
            assertThat(proxy.asked()).isEmpty();
        }
    }

    @Test
    void a_proxy_that_fails_is_told_from_a_target_that_does() throws Exception {
        try (TestProxy proxy = new TestProxy();
                RequestSender sender = through(proxy, "ann:wrong")) {
            for (List<String> each : List.of(
                    List.of(
                            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
                            "unsent the egress proxy refuses the credentials (407)"),
                    List.of(
                            "HTTP/1.1 405 Method Not Allowed\r\n\r\n",
                            "unsent the egress proxy does not know CONNECT (405)"),
                    List.of("SSH-2.0-OpenSSH_9.9\r\n\r\n", "unsent the egress proxy does not answer HTTP/1.1"),
                    List.of(
                            "HTTP/1.1 401 x\r\n" + "x: y\r\n".repeat(3000),
                            "unsent the egress proxy's answer to CONNECT has no end"),
                    List.of(
                            "HTTP/1.1 2",
                            "connect: the egress proxy closed the connection instead of connecting to the host"),
                    List.of(
                            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                            "response: the host spoke before it was asked"),
                    List.of(
                            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
                            "connect: the egress proxy could not connect to the host (503)"),
                    List.of(
                            "HTTP/1.1 403 Forbidden\r\n\r\n",
                            "address_refused: the egress proxy does not permit this host (403)"))) {
                proxy.answer(each.get(0));
                assertThat(send(sender, "https://hooks.example.com/", PLAIN)).isEqualTo(each.get(1));
            }
        }
    }

    @Test
    void of_several_vetted_addresses_the_next_is_asked_for_when_one_cannot_be_reached() throws Exception {
        HostResolver two = name -> List.of(
                IpAddress.parse("93.184.216.35").orElseThrow(),
                IpAddress.parse(PUBLIC).orElseThrow());
        try (TestReceiver server =
                        TestReceiver.start(AUTHORITY.serverContext(AUTHORITY.server("hooks.example.com")), false);
                TestProxy proxy = new TestProxy();
                RequestSender sender = through(proxy.port(), null, two)) {
            proxy.unreachable("93.184.216.35");
            assertThat(send(sender, "https://hooks.example.com:" + server.port() + "/x", PLAIN))
                    .isEqualTo("answered 200");
            assertThat(proxy.asked()).extracting(lines -> lines.get(0)).hasSize(2);
        }
    }

    @Test
    void a_proxy_that_is_away_is_our_own_failure() throws Exception {
        int port;
        try (TestProxy proxy = new TestProxy()) {
            port = proxy.port();
        }
        try (RequestSender sender = through(port, null, NAMES)) {
            assertThat(send(sender, "https://hooks.example.com/", PLAIN))
                    .isEqualTo("unsent the egress proxy cannot be reached");
        }
    }

    @Test
    void a_proxy_that_refuses_us_stops_the_node_until_it_does_not() throws Exception {
        OwnSide ownSide = new OwnSide(null, true);
        try (TestProxy proxy = new TestProxy();
                RequestSender sender = through(proxy.port(), "ann:wrong", NAMES, ownSide)) {
            proxy.answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
            AttemptOutcome outcome = sender.send(request("https://hooks.example.com/", PLAIN, 30));
            assertThat(outcome)
                    .isInstanceOfSatisfying(
                            AttemptOutcome.Unsent.class,
                            unsent -> assertThat(unsent.fault()).isEqualTo(Fault.EGRESS_PROXY));
            assertThat(ownSide.trouble()).contains(Fault.EGRESS_PROXY);
            assertThat(ownSide.recheck()).isFalse();
            assertThat(ownSide.trouble()).contains(Fault.EGRESS_PROXY);
            // The host may be dead: that is its own trouble.
            proxy.answer("HTTP/1.1 503 Service Unavailable\r\n\r\n");
            assertThat(ownSide.recheck()).isTrue();
            assertThat(ownSide.trouble()).isEmpty();
            // The first attempt and the two looks asked for the same tunnel.
            assertThat(proxy.asked()).hasSize(3).containsOnly(proxy.asked().get(0));
        }
    }

    @Test
    void what_a_dead_host_does_behind_a_proxy_stops_nobody() throws Exception {
        OwnSide ownSide = new OwnSide(null, true);
        try (TestProxy proxy = new TestProxy();
                RequestSender sender = through(proxy.port(), null, NAMES, ownSide)) {
            for (String answer : List.of(
                    "HTTP/1.1 500 Unable to connect\r\n\r\n",
                    "HTTP/1.1 503 Service Unavailable\r\n\r\n",
                    "HTTP/1.1 403 Forbidden\r\n\r\n",
                    "HTTP/1.1 200 OK\r\n\r\n220 mail.example.com ready\r\n",
                    "HTTP/1.1 2")) {
                proxy.answer(answer);
                assertThat(sender.send(request("https://hooks.example.com/", PLAIN, 30)))
                        .as(answer)
                        .isInstanceOf(AttemptOutcome.Unanswered.class);
                assertThat(ownSide.trouble()).as(answer).isEmpty();
            }
        }
    }

    @Test
    void a_token_that_cannot_be_fetched_because_of_the_proxy_uses_no_attempt() throws Exception {
        OwnSide ownSide = new OwnSide(null, true);
        EndpointProfile grant = profile(
                new ClientCredentials("https://tokens.example.com/token", "a", "b", null, null, false),
                null,
                SecretMask.NONE);
        try (TestProxy proxy = new TestProxy();
                TestReceiver server = TestReceiver.start();
                RequestSender sender = through(proxy.port(), "ann:wrong", NAMES, ownSide)) {
            proxy.answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
            String url = "http://hooks.example.com:" + server.port() + "/";
            for (int i = 0; i < 2; i++) {
                assertThat(send(sender, url, grant)).isEqualTo("unsent the egress proxy refuses the credentials (407)");
            }
            assertThat(ownSide.trouble()).contains(Fault.EGRESS_PROXY);
            // Each asked: a failure of our own is no reason to leave the token server alone.
            assertThat(proxy.asked()).hasSize(2);
            assertThat(server.received()).isEmpty();
        }
    }

    @Test
    void what_a_proxy_may_be_called() {
        assertThat(EgressProxy.parse("proxy.example.com:3128", "a:b")).hasToString("proxy.example.com:3128");
        assertThat(EgressProxy.parse("[fd00::1]:3128", null).host()).isEqualTo("fd00::1");
        for (String wrong : List.of("", "proxy", "http://proxy:1", "a:b@proxy:1", "proxy:0", "proxy:65536", ":1")) {
            assertThatThrownBy(() -> EgressProxy.parse(wrong, null)).as(wrong).hasMessageContaining("host:port");
        }
        assertThatThrownBy(() -> EgressProxy.parse("proxy:1", "ann")).hasMessageContaining("user:password");
    }
}
