package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.testkit.TestReceiver;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.Promise;
import org.junit.jupiter.api.Test;

/**
 * Names that lead where they must not. The connector is replaced by one that notes where it is sent to and connects nowhere, so that
 * nothing leaves the machine.
 */
class HostileNamesTest {
    private static final String PUBLIC = "93.184.216.34";

    private final Spy connector = new Spy();

    private static final class Spy extends ClientConnector {
        final List<String> connected = new ArrayList<>();

        @Override
        public void connect(SocketAddress address, Map<String, Object> context) {
            InetSocketAddress target = (InetSocketAddress) address;
            synchronized (connected) {
                connected.add(target.getAddress().getHostAddress() + ":" + target.getPort() + " as "
                        + target.getHostString());
            }
            @SuppressWarnings("unchecked")
            Promise<Object> promise =
                    (Promise<Object>) Objects.requireNonNull(context.get(CONNECTION_PROMISE_CONTEXT_KEY));
            promise.failed(new ConnectException("not connected"));
        }
    }

    private static HostResolver answers(String... addresses) {
        return name -> List.of(addresses).stream()
                .map(address -> IpAddress.parse(address).orElseThrow())
                .toList();
    }

    private String send(AddressPolicy policy, HostResolver resolver, String url) throws InterruptedException {
        try (RequestSender sender = new RequestSender(policy, resolver, new OwnSide(null), connector)) {
            return send(sender, url);
        }
    }

    private static String send(RequestSender sender, String url) throws InterruptedException {
        return send(sender, url, 30);
    }

    private static String send(RequestSender sender, String url, int seconds) throws InterruptedException {
        return Sending.told(sender.send(Sending.request(url, Sending.PLAIN, seconds)));
    }

    @Test
    void a_public_answer_is_connected_to_under_the_name() throws Exception {
        assertThat(send(AddressPolicy.PUBLIC_ONLY, answers(PUBLIC), "HTTPS://Hooks.Example.com.:8443/x"))
                .isEqualTo("connect: the connection was refused");
        assertThat(connector.connected).containsExactly(PUBLIC + ":8443 as hooks.example.com");
    }

    @Test
    void one_refused_address_refuses_the_answer_wherever_it_stands_and_is_not_told() throws Exception {
        for (String refused :
                List.of("10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1")) {
            for (HostResolver answer :
                    List.of(answers(refused), answers(refused, PUBLIC), answers(PUBLIC, "2606:4700::1", refused))) {
                assertThat(send(AddressPolicy.PUBLIC_ONLY, answer, "https://hooks.example.com/"))
                        .isEqualTo("address_refused: the host's name leads to an address that may not be sent to");
            }
        }
        assertThat(connector.connected).isEmpty();
    }

    @Test
    void an_answer_that_changes_between_attempts_is_judged_at_each() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        HostResolver rebinding = name ->
                answers(asked.getAndIncrement() % 2 == 0 ? PUBLIC : "127.0.0.1").resolve(name);
        try (RequestSender sender =
                new RequestSender(AddressPolicy.PUBLIC_ONLY, rebinding, new OwnSide(null), connector)) {
            for (int attempt = 0; attempt < 10; attempt++) {
                assertThat(send(sender, "https://hooks.example.com/"))
                        .startsWith(attempt % 2 == 0 ? "connect" : "address_refused");
            }
        }
        // One question for one connection: what was judged is what was connected to.
        assertThat(asked).hasValue(10);
        assertThat(connector.connected).hasSize(5).allMatch(target -> target.startsWith(PUBLIC));
    }

    @Test
    void of_thousands_of_addresses_all_are_judged_and_few_are_tried() throws Exception {
        List<IpAddress> many = new ArrayList<>(IntStream.range(0, 5000)
                .mapToObj(i ->
                        IpAddress.parse("93.184." + i / 256 + "." + i % 256).orElseThrow())
                .toList());
        assertThat(send(AddressPolicy.PUBLIC_ONLY, name -> many, "https://hooks.example.com/"))
                .startsWith("connect");
        assertThat(connector.connected).hasSize(8);
        many.add(IpAddress.parse("10.0.0.1").orElseThrow());
        assertThat(send(AddressPolicy.PUBLIC_ONLY, name -> many, "https://hooks.example.com/"))
                .startsWith("address_refused");
        assertThat(connector.connected).hasSize(8);
    }

    @Test
    void no_answer_an_error_and_silence_are_failures_and_connect_nowhere() throws Exception {
        assertThat(send(AddressPolicy.PUBLIC_ONLY, answers(), "https://hooks.example.com/"))
                .isEqualTo("dns: the host's name has no address");
        assertThat(send(
                        AddressPolicy.PUBLIC_ONLY,
                        name -> {
                            throw new UnknownHostException("SERVFAIL from 10.0.0.53");
                        },
                        "https://hooks.example.com/"))
                .isEqualTo("dns: the host's name could not be resolved");
        assertThat(send(
                        AddressPolicy.PUBLIC_ONLY,
                        name -> {
                            throw new IllegalStateException("broken");
                        },
                        "https://hooks.example.com/"))
                .startsWith("io");
        CountDownLatch never = new CountDownLatch(1);
        HostResolver silent = name -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return List.of();
        };
        try (RequestSender sender =
                new RequestSender(AddressPolicy.PUBLIC_ONLY, silent, new OwnSide(null), connector)) {
            assertThat(send(sender, "https://hooks.example.com/", 1)).startsWith("timeout");
        }
        assertThat(connector.connected).isEmpty();
        never.countDown();
    }

    @Test
    void what_a_url_is_refused_for_is_no_matter_of_its_answer() throws Exception {
        for (String url : List.of(
                "http://hooks.example.com/",
                "https://user@hooks.example.com/",
                "https://127.0.0.1/",
                "https://[::1]/",
                "https://2130706433/",
                "https://hooks.example.com:22/",
                "https://localhost/",
                "https://hooks.example.com/#x",
                "file:///etc/passwd",
                "")) {
            assertThat(send(AddressPolicy.PUBLIC_ONLY, answers(PUBLIC), url))
                    .as(url)
                    .startsWith("url_refused: ");
        }
        assertThat(connector.connected).isEmpty();
    }

    @Test
    void a_literal_that_the_operator_allows_is_connected_to_without_a_question() throws Exception {
        HostResolver nobody = name -> {
            throw new AssertionError(name);
        };
        AddressPolicy policy = AddressPolicy.allowing(List.of("127.0.0.0/8:8080", "::1/128"));
        assertThat(send(policy, nobody, "http://127.0.0.1:8080/")).startsWith("connect");
        assertThat(send(policy, nobody, "https://[::1]:9999/")).startsWith("connect");
        assertThat(send(policy, nobody, "http://127.0.0.1:8081/")).startsWith("url_refused");
        assertThat(connector.connected).containsExactly("127.0.0.1:8080 as 127.0.0.1", "0:0:0:0:0:0:0:1:9999 as ::1");
    }

    @Test
    void path_and_query_are_sent_byte_for_byte_and_the_host_is_canonical() throws Exception {
        AddressPolicy policy = AddressPolicy.builder().allow("127.0.0.0/8").build();
        try (TestReceiver receiver = TestReceiver.start();
                RequestSender sender = new RequestSender(policy, answers("127.0.0.1"), new OwnSide(null))) {
            String target = receiver.url("");
            for (String path : List.of(
                    "/a//b/../c/./d",
                    "//evil.example/x",
                    "/%2e%2E/%7e?a=%20&b=+&&c",
                    "/a;b=c,d@e:f!$&'()*+~?a=b?c/d",
                    "/?")) {
                assertThat(send(sender, target + path)).isEqualTo("answered 200");
                assertThat(receiver.received().getLast().path()).isEqualTo(path);
            }
            assertThat(send(sender, target)).isEqualTo("answered 200");
            assertThat(receiver.received().getLast().path()).isEqualTo("/");
            assertThat(send(sender, target + "?x=1")).isEqualTo("answered 200");
            assertThat(receiver.received().getLast().path()).isEqualTo("/?x=1");
            // A name with an underscore, which java.net.URI does not take for a host.
            String port = target.substring(target.lastIndexOf(':') + 1);
            try (RequestSender named = new RequestSender(
                    AddressPolicy.allowing(List.of("127.0.0.1:" + port)), answers("127.0.0.1"), new OwnSide(null))) {
                assertThat(send(named, "http://A_B.example.com:" + port + "/x")).isEqualTo("answered 200");
                assertThat(receiver.received().getLast().header("host")).isEqualTo("a_b.example.com:" + port);
            }
        }
    }
}
