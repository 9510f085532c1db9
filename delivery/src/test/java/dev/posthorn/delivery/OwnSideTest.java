package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.send.EgressProxy;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestNameServer;
import dev.posthorn.testkit.TestProxy;
import dev.posthorn.testkit.TestReceiver.Answer;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What fails on our own side is no failure of any receiver. */
class OwnSideTest {
    private final EngineFixture world = new EngineFixture();
    private final TestNameServer names = TestNameServer.start();
    private volatile boolean cut;
    /** As the system's resolver does it: whatever the name server says but an address is the same exception. */
    private final HostResolver resolver = name -> {
        if (cut || name.startsWith("broken")) {
            throw new UnknownHostException(name);
        }
        return List.of(IpAddress.of(InetAddress.getByAddress(new byte[] {127, 0, 0, 1})));
    };

    /** On a connection that stays, no name is asked for. */
    @BeforeEach
    void close_connections() {
        world.receiver.answer(request -> new Answer(200, Map.of("connection", "close"), new byte[0]));
    }

    @AfterEach
    void close() {
        names.close();
        world.close();
    }

    @Test
    void five_minutes_without_a_name_service_cost_no_endpoint_anything() throws Exception {
        List<String> endpoints = List.of(named("a.example.com"), named("b.example.com"), named("c.example.com"));
        try (DeliveryEngine engine = engine().build()) {
            queueMany(20);
            assertThat(engine.runDueOnce()).isEqualTo(60);
            cut(TestNameServer.State.SILENT);
            // Connections that are still open ask nobody for a name, and may deliver.
            int overOpenConnections = 0;
            for (int second = 0; second < 300; second += 60) {
                queueMany(1);
                overOpenConnections += engine.runDueOnce();
                world.database.advanceClock(Duration.ofSeconds(60));
            }
            int waiting = 15 - overOpenConnections;
            assertThat(waiting).isPositive();
            assertThat(
                            world.database.one(
                                    "SELECT count(*) || ' ' || max(attempt_count) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'"))
                    .isEqualTo(waiting + " 0");
            assertThat(
                            world.database.one(
                                    "SELECT sum(consecutive_failures) || ' ' || count(disabled_at) FROM posthorn.webhook_endpoint_health"))
                    .isEqualTo("0 0");
            mend();
            assertThat(engine.runDueOnce()).isEqualTo(waiting);
        }
        endpoints.forEach(endpoint -> assertThat(world.status(endpoint)).isEqualTo("delivered:25"));
        assertThat(world.database.query(
                        "SELECT DISTINCT error_class, number FROM posthorn.webhook_attempts WHERE outcome = 'unsent'"))
                .containsExactly(java.util.Arrays.asList("name_service", null));
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void one_broken_zone_is_its_endpoints_failure() throws Exception {
        String broken = named("broken.example.com");
        String well = named("well.example.com");
        try (DeliveryEngine engine = engine().build()) {
            queueMany(3);
            assertThat(engine.runDueOnce()).isEqualTo(6);
        }
        assertThat(world.status(well)).isEqualTo("delivered:3");
        assertThat(world.status(broken)).isEqualTo("retrying:3");
        assertThat(world.database.one("SELECT string_agg(DISTINCT error_class, ' ') FROM posthorn.webhook_attempts"))
                .isEqualTo("dns");
    }

    @Test
    void a_resolver_that_reaches_nobody_is_our_failure() throws Exception {
        String endpoint = named("a.example.com");
        try (DeliveryEngine engine = engine().build()) {
            cut(TestNameServer.State.FAILING);
            queueMany(1);
            assertThat(engine.runDueOnce()).isZero();
            assertThat(world.status(endpoint)).isEqualTo("pending:1");
        }
    }

    @Test
    void without_a_control_a_name_is_its_endpoints_failure() throws Exception {
        String endpoint = named("a.example.com");
        try (DeliveryEngine engine = engine().controlName("").build()) {
            cut(TestNameServer.State.SILENT);
            queueMany(1);
            assertThat(engine.runDueOnce()).isEqualTo(1);
            assertThat(world.status(endpoint)).isEqualTo("retrying:1");
        }
    }

    @Test
    void silence_is_ours_while_the_name_service_is_silent_too() throws Exception {
        String endpoint = world.endpoint("/hook");
        String broken = named("broken.example.com");
        try (DeliveryEngine engine = engine().build()) {
            // By a failure of a name this node learns that the name service answers.
            queueMany(1);
            engine.runDueOnce();
            CountDownLatch never = new CountDownLatch(1);
            world.receiver.answer(request -> {
                try {
                    never.await(5, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return Answer.of(200);
            });
            names.be(TestNameServer.State.SILENT);
            world.database.administrate(
                    "UPDATE posthorn.webhook_endpoints SET event_types = '{never}' WHERE id = '" + broken + "'");
            timeout(endpoint, 1);
            // Who was met in the last two seconds is no proof of anything now.
            world.database.query("SELECT pg_sleep(2.1)");
            queueMany(1);
            assertThat(engine.runDueOnce()).isZero();
            assertThat(world.status(endpoint)).isEqualTo("delivered:1 pending:1");
            never.countDown();
            world.receiver.answer(request -> Answer.of(200));
            timeout(endpoint, 15);
            mend();
            assertThat(engine.runDueOnce()).isEqualTo(1);
        }
    }

    @Test
    void a_running_node_stops_says_why_and_goes_on_by_itself() throws Exception {
        String endpoint = named("a.example.com");
        try (DeliveryEngine engine = engine().build()) {
            engine.start();
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:1");
            cut(TestNameServer.State.SILENT);
            queueMany(50);
            EngineFixture.awaitTrouble(engine, "the name service does not answer; ");
            world.awaitStatus(endpoint, "delivered:1 pending:50");
            mend();
            world.awaitStatus(endpoint, "delivered:51");
            Eventually.until("ready", engine::isReady);
        }
        assertThat(world.receiver.received()).hasSize(51);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void an_egress_proxy_that_refuses_us_or_is_away_costs_no_endpoint_anything() throws Exception {
        String endpoint = named("a.example.com");
        TestProxy proxy = new TestProxy();
        int port = proxy.port();
        // So that no tunnel stays that leads past what the proxy answers later: for several at once more may be opened
        // than are used.
        world.receiver.answer(request -> new Answer(200, Map.of("Connection", "close"), new byte[0]));
        try (DeliveryEngine engine = engine().egressProxy(EgressProxy.parse("127.0.0.1:" + port, "ann:s3cret"))
                .build()) {
            engine.start();
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:1");
            proxy.answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
            queueMany(10);
            EngineFixture.awaitTrouble(engine, "the egress proxy");
            world.awaitStatus(endpoint, "delivered:1 pending:10");
            proxy.close();
            queueMany(10);
            world.awaitStatus(endpoint, "delivered:1 pending:20");
            assertThat(engine.isReady()).isFalse();
            proxy = new TestProxy(port);
            world.awaitStatus(endpoint, "delivered:21");
        } finally {
            proxy.close();
        }
        assertThat(world.database.one("SELECT max(attempt_count) FROM posthorn.webhook_deliveries"))
                .isEqualTo("1");
        assertThat(world.database.query(
                        "SELECT DISTINCT error_class FROM posthorn.webhook_attempts WHERE outcome = 'unsent'"))
                .containsExactly(List.of("egress_proxy"));
        assertThat(world.receiver.received()).hasSize(21);
        assertThat(world.invariants()).isEmpty();
    }

    private void timeout(String endpoint, int seconds) {
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET timeout_seconds = " + seconds
                + " WHERE id = '" + endpoint + "'");
    }

    private DeliveryEngine.Builder engine() {
        String port = world.receiver.url("/").replaceAll(".*:(\\d+)/", "$1");
        return world.engine()
                .addresses(AddressPolicy.allowing(List.of("127.0.0.1/32:" + port)))
                .resolver(resolver)
                .controlName("dns://127.0.0.1:" + names.port() + "/example.com");
    }

    private void cut(TestNameServer.State state) {
        cut = true;
        names.be(state);
    }

    private void mend() {
        cut = false;
        names.be(TestNameServer.State.ANSWERING);
        // What was found out holds for a second.
        world.database.query("SELECT pg_sleep(1.1)");
    }

    private String named(String host) {
        String id = world.endpoint("/" + host);
        world.database.administrate("UPDATE posthorn.webhook_endpoints SET url = replace(url, '127.0.0.1', '" + host
                + "') WHERE id = '" + id + "'");
        return id;
    }

    private void queueMany(int events) {
        world.database.administrate(
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                        + " FROM generate_series(1, " + events + ") AS n");
    }
}
