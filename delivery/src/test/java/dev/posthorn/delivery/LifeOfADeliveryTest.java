package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import com.standardwebhooks.Webhook;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.IpAddress;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import dev.posthorn.vault.EndpointSecrets;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LifeOfADeliveryTest {
    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void an_event_queued_by_sql_arrives_signed_and_is_recorded() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            engine.start();
            String event = world.queue("payment.received", "{\"amount\": 12}");
            Received request = world.receiver.await(1, Duration.ofSeconds(20)).get(0);
            assertThat(request.method()).isEqualTo("POST");
            assertThat(request.header("webhook-id")).isEqualTo(event);
            assertThat(request.header("posthorn-attempt")).isEqualTo("1");
            assertThat(request.header("content-type")).isEqualTo("application/json");
            assertThat(request.header("user-agent")).startsWith("Posthorn/");
            assertThat(new String(request.body(), StandardCharsets.UTF_8))
                    .startsWith("{\"type\":\"payment.received\",\"timestamp\":\"");
            verify(request, secret(endpoint));
        }
        assertThat(world.status(endpoint)).isEqualTo("delivered:1");
        assertThat(world.database.query("SELECT number, outcome, status_code FROM posthorn.webhook_attempts"))
                .containsExactly(List.of("1", "delivered", "200"));
        assertThat(world.database.one("SELECT count(*) FROM posthorn.dispatchers"))
                .isEqualTo("0");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_rolled_back_event_never_arrives() throws Exception {
        world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build();
                Connection connection = world.database.superuser();
                Statement statement = connection.createStatement()) {
            engine.start();
            connection.setAutoCommit(false);
            statement.execute(
                    "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'incident.created', '{}')");
            connection.rollback();
            String event = world.queue("access.granted", "{}");
            assertThat(world.receiver.await(1, Duration.ofSeconds(20)))
                    .extracting(request -> request.header("webhook-id"))
                    .containsExactly(event);
        }
        assertThat(world.database.one("SELECT count(*) FROM posthorn.webhook_events"))
                .isEqualTo("1");
    }

    @Test
    void an_endpoint_that_always_answers_500_is_tried_on_the_ladder_and_ends_as_a_dead_letter() throws Exception {
        String endpoint = world.endpoint("/hook");
        world.receiver.answer(request -> Answer.of(500));
        try (DeliveryEngine engine = world.engine().build()) {
            world.queue("payment.received", "{}");
            assertThat(engine.runDueOnce()).isEqualTo(1);
            for (Duration step : List.of(
                    Duration.ofMinutes(1),
                    Duration.ofMinutes(5),
                    Duration.ofMinutes(15),
                    Duration.ofHours(1),
                    Duration.ofHours(4))) {
                assertThat(world.status(endpoint)).isEqualTo("retrying:1");
                assertThat(
                                Double.parseDouble(
                                        world.database.one(
                                                "SELECT extract(epoch FROM next_attempt_at - posthorn.clock_now()) FROM posthorn.webhook_deliveries")))
                        .isBetween(step.toSeconds() * 0.999 - 5, step.toSeconds() * 1.2);
                world.database.advanceClock(step.minusSeconds(10));
                assertThat(engine.runDueOnce()).isZero();
                world.database.advanceClock(step.dividedBy(5).plusSeconds(10));
                assertThat(engine.runDueOnce()).isEqualTo(1);
            }
            assertThat(world.status(endpoint)).isEqualTo("dead_letter:1");

            assertThat(world.database.query("SET ROLE posthorn_service; SELECT r.status, r.parked, r.max_attempts"
                            + " FROM posthorn.webhook_deliveries AS d, posthorn.retry_dead_letter(d.id) AS r"))
                    .containsExactly(List.of("retrying", "f", "9"));
            assertThat(engine.runDueOnce()).isEqualTo(1);
            world.database.advanceClock(Duration.ofSeconds(75));
            assertThat(engine.runDueOnce()).isEqualTo(1);
            world.database.advanceClock(Duration.ofMinutes(6));
            assertThat(engine.runDueOnce()).isEqualTo(1);
            assertThat(world.status(endpoint)).isEqualTo("dead_letter:1");
            world.database.advanceClock(Duration.ofDays(2));
            assertThat(engine.runDueOnce()).isZero();
        }
        assertThat(world.database.one(
                        "SELECT string_agg(number::text, ',' ORDER BY number) FROM posthorn.webhook_attempts"))
                .isEqualTo("1,2,3,4,5,6,7,8,9");
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void ten_failures_in_a_row_disable_an_endpoint_and_enabling_brings_everything_back() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 1");
        String listener = world.endpoint("/operator", ", event_types", ", '{posthorn.endpoint.disabled}'");
        world.receiver.answer(request -> Answer.of(request.path().equals("/hook") ? 500 : 200));
        try (DeliveryEngine engine = world.engine().build()) {
            for (int i = 0; i < 15; i++) {
                world.queue("payment.received", "{}");
            }
            engine.runDueOnce();
            assertThat(world.database.one(
                            "SELECT disabled_reason FROM posthorn.webhook_endpoint_health WHERE endpoint_id = '"
                                    + endpoint + "'"))
                    .isEqualTo("auto");
            assertThat(world.status(endpoint)).isEqualTo("parked pending:5 parked retrying:10");
            world.queue("payment.received", "{\"while\": \"disabled\"}");
            assertThat(world.status(endpoint)).isEqualTo("parked pending:6 parked retrying:10");
            assertThat(engine.runDueOnce()).isZero();
            assertThat(world.receiver.received().stream()
                            .filter(request -> request.path().equals("/operator")))
                    .singleElement()
                    .satisfies(request -> assertThat(new String(request.body(), StandardCharsets.UTF_8))
                            .contains("posthorn.endpoint.disabled", endpoint, "\"auto\""));

            world.receiver.answer(request -> Answer.of(204));
            world.database.query(
                    "SET ROLE posthorn_service; SELECT posthorn.enable_webhook_endpoint('" + endpoint + "')");
            assertThat(engine.runDueOnce()).isEqualTo(16);
            assertThat(world.status(endpoint)).isEqualTo("delivered:16");
            assertThat(world.status(listener)).isEqualTo("delivered:1");
        }
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_second_410_in_a_row_disables_and_a_stray_one_does_not() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 1");
        try (DeliveryEngine engine = world.engine().build()) {
            for (int status : List.of(410, 200, 410)) {
                world.receiver.answer(request -> Answer.of(status));
                world.queue("payment.received", "{}");
                engine.runDueOnce();
            }
            assertThat(world.status(endpoint)).isEqualTo("delivered:1 failed:2");
            world.queue("payment.received", "{}");
            engine.runDueOnce();
            assertThat(world.database.one("SELECT disabled_reason FROM posthorn.webhook_endpoint_health"))
                    .isEqualTo("gone");
            world.queue("payment.received", "{}");
            assertThat(world.status(endpoint)).isEqualTo("delivered:1 failed:3");
            assertThat(world.database.one("SELECT skipped FROM posthorn.webhook_events ORDER BY id DESC LIMIT 1"))
                    .isEqualTo("1");
        }
    }

    @Test
    void retry_after_postpones_and_never_hastens() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            world.receiver.answer(request -> new Answer(503, Map.of("Retry-After", "600"), new byte[0]));
            world.queue("payment.received", "{}");
            engine.runDueOnce();
            world.database.advanceClock(Duration.ofSeconds(590));
            assertThat(engine.runDueOnce()).isZero();
            world.database.advanceClock(Duration.ofSeconds(11));
            world.receiver.answer(request -> new Answer(429, Map.of("Retry-After", "1"), new byte[0]));
            assertThat(engine.runDueOnce()).isEqualTo(1);
            world.database.advanceClock(Duration.ofMinutes(4));
            assertThat(engine.runDueOnce()).isZero();
            assertThat(world.status(endpoint)).isEqualTo("retrying:1");
        }
    }

    @Test
    void a_name_that_leads_to_a_private_address_is_refused_and_follows_the_schedule() throws Exception {
        String endpoint = endpointAt("https://hooks.example.com/hook");
        try (DeliveryEngine engine = world.engine()
                .addresses(AddressPolicy.PUBLIC_ONLY)
                .resolver(name -> List.of(IpAddress.parse("127.0.0.1").orElseThrow()))
                .build()) {
            world.queue("payment.received", "{}");
            engine.runDueOnce();
        }
        assertThat(world.status(endpoint)).isEqualTo("retrying:1");
        assertThat(world.database.query("SELECT error_class, error FROM posthorn.webhook_attempts"))
                .containsExactly(
                        List.of("address_refused", "the host's name leads to an address that may not be sent to"));
    }

    @Test
    void a_url_that_is_refused_for_what_it_is_ends_the_delivery() throws Exception {
        String endpoint = endpointAt(world.receiver.url("/hook"));
        try (DeliveryEngine engine =
                world.engine().addresses(AddressPolicy.PUBLIC_ONLY).build()) {
            world.queue("payment.received", "{}");
            engine.runDueOnce();
        }
        assertThat(world.receiver.received()).isEmpty();
        assertThat(world.status(endpoint)).isEqualTo("failed:1");
        assertThat(world.database.one("SELECT error_class FROM posthorn.webhook_attempts"))
                .isEqualTo("url_refused");
    }

    private String endpointAt(String url) {
        return world.database.one("INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, '" + url
                + "' FROM posthorn.communities RETURNING id");
    }

    @Test
    void the_middle_of_a_rotation_satisfies_receivers_with_either_secret() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            world.queue("payment.received", "{}");
            engine.runDueOnce();
            String older = secret(endpoint);
            EndpointSecrets secrets = new EndpointSecrets(world.masterKey);
            String newer;
            try (Connection connection = world.database.superuser()) {
                newer = secrets.rotate(connection, UUID.fromString(endpoint), Duration.ofHours(24))
                        .get(0)
                        .secret()
                        .encoded();
            }
            world.queue("payment.received", "{}");
            engine.runDueOnce();
            Received during = world.receiver.received().get(1);
            verify(during, older);
            verify(during, newer);
        }
    }

    private String secret(String endpoint) throws Exception {
        try (Connection connection = world.database.superuser()) {
            return new EndpointSecrets(world.masterKey)
                    .read(connection, UUID.fromString(endpoint))
                    .get(0)
                    .secret()
                    .encoded();
        }
    }

    private static void verify(Received request, String secret) throws Exception {
        Map<String, List<String>> headers = request.headers().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> List.of(entry.getValue())));
        new Webhook(secret)
                .verify(
                        new String(request.body(), StandardCharsets.UTF_8),
                        HttpHeaders.of(headers, (name, value) -> true));
    }
}
