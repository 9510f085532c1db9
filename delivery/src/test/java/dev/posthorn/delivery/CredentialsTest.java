package dev.posthorn.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.endpoint.Authentication;
import dev.posthorn.delivery.endpoint.CustomHeaders;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.signing.GitHubStyleSignature;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.signing.VerifyingKey;
import dev.posthorn.signing.WebhookVerifier;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import dev.posthorn.vault.CredentialKind;
import dev.posthorn.vault.EndpointCredentials;
import dev.posthorn.vault.EndpointKeyPair;
import dev.posthorn.vault.EndpointSecret;
import dev.posthorn.vault.EndpointSecrets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What of an endpoint's credentials arrives, and what of them is kept. */
class CredentialsTest {
    private final EngineFixture world = new EngineFixture();
    private final ServiceSession session = new ServiceSession(world.database.dataSource());
    private final EndpointSecrets secrets = new EndpointSecrets(world.masterKey);
    private final EndpointCredentials credentials = new EndpointCredentials(world.masterKey);

    @AfterEach
    void close() {
        world.close();
    }

    private void set(String endpoint, CredentialKind kind, String credential) throws SQLException {
        session.durably(connection -> {
            credentials.set(connection, UUID.fromString(endpoint), kind, credential, "{}");
            return true;
        });
    }

    private Received next(DeliveryEngine engine) throws Exception {
        int before = world.receiver.received().size();
        world.queue("payment.received", "{}");
        assertThat(engine.runDueOnce()).isEqualTo(1);
        return world.receiver.received().get(before);
    }

    @Test
    void own_headers_and_authentication_arrive_and_change_with_the_next_delivery() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            assertThat(next(engine).header("x-tenant")).isEmpty();
            set(endpoint, CredentialKind.HEADERS, CustomHeaders.write(Map.of("X-Tenant", "acme: 1", "X-Key", "k3y!")));
            set(endpoint, CredentialKind.AUTHENTICATION, new Authentication.Basic("ann", "s3cret").write());
            Received with = next(engine);
            assertThat(with.header("x-tenant")).isEqualTo("acme: 1");
            assertThat(with.header("x-key")).isEqualTo("k3y!");
            assertThat(with.header("authorization")).isEqualTo("Basic YW5uOnMzY3JldA==");
            set(endpoint, CredentialKind.AUTHENTICATION, new Authentication.Bearer("t0ken").write());
            assertThat(next(engine).header("authorization")).isEqualTo("Bearer t0ken");
            session.durably(connection -> {
                credentials.remove(connection, UUID.fromString(endpoint), CredentialKind.HEADERS);
                credentials.remove(connection, UUID.fromString(endpoint), CredentialKind.AUTHENTICATION);
                return true;
            });
            Received without = next(engine);
            assertThat(without.header("x-tenant") + without.header("authorization"))
                    .isEmpty();
        }
    }

    @Test
    void no_header_of_an_endpoint_replaces_one_of_ours() throws Exception {
        String endpoint = world.endpoint("/hook");
        // REST would refuse them; this is the second wall.
        set(
                endpoint,
                CredentialKind.HEADERS,
                CustomHeaders.write(Map.of("Webhook-Id", "forged", "CONTENT-TYPE", "text/plain", "User-Agent", "x")));
        try (DeliveryEngine engine = world.engine().build()) {
            Received received = next(engine);
            assertThat(received.header("webhook-id")).isNotEqualTo("forged");
            assertThat(received.header("content-type")).isEqualTo("application/json");
            assertThat(received.header("user-agent")).startsWith("Posthorn/");
        }
    }

    @Test
    void a_receiver_that_echoes_the_request_gets_no_credential_into_the_history() throws Exception {
        String endpoint = world.endpoint("/hook");
        set(endpoint, CredentialKind.HEADERS, CustomHeaders.write(Map.of("X-Key", "se\"cret/value")));
        set(endpoint, CredentialKind.AUTHENTICATION, new Authentication.Basic("ann", "s3cret").write());
        for (int status : List.of(200, 500)) {
            world.receiver.answer(request -> new Answer(
                    status,
                    Map.of(),
                    ("got " + request.header("x-key") + " and {\"k\":\"se\\\"cret\\/value\"} and "
                                    + request.header("authorization") + " for s3cret " + "x".repeat(3980))
                            .concat(request.header("x-key"))
                            .getBytes(UTF_8)));
            try (DeliveryEngine engine = world.engine().build()) {
                next(engine);
            }
        }
        assertThat(world.database.query("SELECT response_excerpt FROM posthorn.webhook_attempts"))
                .hasSize(2)
                .allSatisfy(row -> assertThat(row.get(0))
                        .startsWith("got *** and {\"k\":\"***\"} and Basic *** for *** xxx")
                        .doesNotContain("se\"", "s3cret", "YW5u"));
    }

    @Test
    void credentials_are_ciphertext_in_the_database_and_go_with_their_endpoint() throws Exception {
        String endpoint = world.endpoint("/hook");
        set(endpoint, CredentialKind.HEADERS, CustomHeaders.write(Map.of("X-Key", "find-me")));
        assertThat(world.database.one(
                        "SELECT count(*) || ' ' || count(*) FILTER (WHERE encode(v.ciphertext, 'escape') LIKE '%find-me%')"
                                + " FROM posthorn.vault_secrets AS s JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id"
                                + " WHERE s.purpose = 'endpoint_headers'"))
                .isEqualTo("1 0");
        world.database.administrate("SELECT posthorn.delete_webhook_endpoint('" + endpoint + "')");
        assertThat(world.database.one("SELECT (SELECT count(*) FROM posthorn.webhook_endpoint_credentials)"
                        + " + (SELECT count(*) FROM posthorn.vault_secrets WHERE purpose = 'endpoint_headers')"))
                .isEqualTo("0");
    }

    @Test
    void all_schemes_sign_at_once_and_each_verifies_through_a_rotation() throws Exception {
        String endpoint = world.endpoint(
                "/hook", ", signature_schemes, signature_header", ", '{v1,v1a,github,stripe}', 'Acme-Signature'");
        UUID id = UUID.fromString(endpoint);
        try (DeliveryEngine engine = world.engine().build()) {
            Received first = next(engine);
            List<EndpointSecret> before = session.durably(connection -> secrets.read(connection, id));
            List<EndpointKeyPair> keysBefore = session.durably(connection -> secrets.readKeyPairs(connection, id));
            verify(first, before, keysBefore);
            List<EndpointSecret> both =
                    session.durably(connection -> secrets.rotate(connection, id, Duration.ofHours(1)));
            List<EndpointKeyPair> bothKeys =
                    session.durably(connection -> secrets.rotateKeyPair(connection, id, Duration.ofHours(1)));
            Received during = next(engine);
            // With the old ones alone, as a receiver that does not know of it; GitHub's form has room for the old one
            // only.
            verify(during, before, keysBefore);
            verifyStandard(during, both.subList(0, 1), bothKeys.subList(0, 1));
            stripe(during, both.subList(0, 1));
            world.database.advanceClock(Duration.ofMinutes(61));
            verifyAt(next(engine), both.subList(0, 1), bothKeys.subList(0, 1));
        }
    }

    @Test
    void the_schemes_of_an_endpoint_change_with_the_next_delivery() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine engine = world.engine().build()) {
            assertThat(next(engine).header("webhook-signature"))
                    .startsWith("v1,")
                    .doesNotContain("v1a,");
            world.database.administrate(
                    "UPDATE posthorn.webhook_endpoints SET signature_schemes = '{v1a}' WHERE id = '" + endpoint + "'");
            Received signed = next(engine);
            assertThat(signed.header("webhook-signature")).startsWith("v1a,").doesNotContain("v1,");
            assertThat(signed.header("posthorn-signature") + signed.header("x-hub-signature-256"))
                    .isEmpty();
        }
    }

    private static void verify(Received request, List<EndpointSecret> secrets, List<EndpointKeyPair> keys)
            throws Exception {
        verifyStandard(request, secrets, keys);
        new GitHubStyleSignature(texts(secrets)).verify(request.header("x-hub-signature-256"), request.body());
        stripe(request, secrets);
    }

    private static void stripe(Received request, List<EndpointSecret> secrets) throws Exception {
        new StripeStyleSignature(texts(secrets)).verify(request.header("Acme-Signature"), request.body());
    }

    /** The same an hour ahead of this machine's clock, where the database's stands. */
    private static void verifyAt(Received request, List<EndpointSecret> secrets, List<EndpointKeyPair> keys)
            throws Exception {
        for (VerifyingKey key : verifyingKeys(secrets, keys)) {
            assertThat(key.fitsAny(
                            request.header("webhook-id"),
                            Long.parseLong(request.header("webhook-timestamp")),
                            request.body(),
                            List.of(request.header("webhook-signature").split(" ", -1))))
                    .isTrue();
        }
        new GitHubStyleSignature(texts(secrets)).verify(request.header("x-hub-signature-256"), request.body());
    }

    /** Each of the keys by itself. */
    private static void verifyStandard(Received request, List<EndpointSecret> secrets, List<EndpointKeyPair> keys)
            throws Exception {
        for (VerifyingKey key : verifyingKeys(secrets, keys)) {
            new WebhookVerifier(List.of(key))
                    .verify(
                            request.header("webhook-id"),
                            request.header("webhook-timestamp"),
                            request.header("webhook-signature"),
                            request.body());
        }
    }

    private static List<VerifyingKey> verifyingKeys(List<EndpointSecret> secrets, List<EndpointKeyPair> keys) {
        List<VerifyingKey> all = new ArrayList<>();
        Stream.concat(
                        secrets.stream().map(EndpointSecret::secret),
                        keys.stream().map(pair -> pair.key().verifyingKey()))
                .forEach(all::add);
        return all;
    }

    private static List<String> texts(List<EndpointSecret> secrets) {
        return secrets.stream().map(secret -> secret.secret().encoded()).toList();
    }
}
