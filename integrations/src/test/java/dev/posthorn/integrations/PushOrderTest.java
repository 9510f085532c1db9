package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.integrations.push.PushJsonConnector;
import dev.posthorn.integrations.run.PushReceiver.Outcome;
import dev.posthorn.vault.NewSecret;
import dev.posthorn.vault.SecretAuthor;
import dev.posthorn.vault.SecretChange;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pushes that overtake each other, and the credentials by which they are judged. */
class PushOrderTest {
    private static final String VERSIONED = ", \"version\": \"/updated_at\"";

    private final IntegrationFixture fixture = new IntegrationFixture();
    private final AtomicInteger readings = new AtomicInteger();
    private final VaultCredentials vault = new VaultCredentials(fixture.vault);
    private final IntegrationEngine engine = IntegrationEngine.builder(
                    fixture.database.dataSource(), (community, secret, integration) -> {
                        readings.incrementAndGet();
                        return vault.read(community, secret, integration);
                    })
            .connectors(Connectors.of(List.of(new PushJsonConnector())))
            .build();

    @AfterEach
    void close() {
        engine.close();
        fixture.close();
    }

    @Test
    void an_older_version_changes_nothing_whenever_it_comes() throws Exception {
        UUID gate = gate(VERSIONED);
        push(gate, "{\"id\": 1, \"name\": \"second\", \"updated_at\": \"2026-03-02T10:00:00.000002Z\"}");
        push(gate, "{\"id\": 1, \"name\": \"first\", \"updated_at\": \"2026-03-02T11:00:00.000001+01:00\"}");
        assertThat(record(gate, 1)).isEqualTo("second f");
        push(gate, "{\"id\": 1, \"name\": \"third\", \"updated_at\": \"2026-03-02T10:00:00.000003Z\"}");
        assertThat(record(gate, 1)).isEqualTo("third f");
        assertThat(counts(gate)).isEqualTo("3 1 1 1 0");
        assertThat(fixture.events()).isEqualTo("integration.record.created integration.record.updated");
    }

    @Test
    void a_newer_version_that_says_nothing_new_is_remembered_all_the_same() throws Exception {
        UUID gate = gate(", \"version\": \"/n\", \"deleted\": {\"at\": \"/gone\"}");
        push(gate, "{\"id\": 1, \"n\": 1, \"name\": \"a\"}");
        push(gate, "{\"id\": 1, \"n\": 2, \"gone\": true}");
        push(gate, "{\"id\": 1, \"n\": 4, \"gone\": true}");
        push(gate, "{\"id\": 1, \"n\": 3, \"name\": \"late\"}");
        assertThat(record(gate, 1)).isEqualTo("a t");
    }

    @Test
    void a_deletion_that_overtakes_is_not_undone_by_what_it_overtook() throws Exception {
        UUID gate = gate(", \"version\": \"/n\", \"deleted\": {\"at\": \"/gone\"}");
        push(gate, "{\"id\": 1, \"n\": 7, \"gone\": true}");
        push(gate, "{\"id\": 1, \"n\": 6, \"name\": \"late\"}");
        push(gate, "{\"id\": 2, \"n\": 1, \"name\": \"there\"}");
        push(gate, "{\"id\": 2, \"n\": 3, \"gone\": true}");
        push(gate, "{\"id\": 2, \"n\": 2, \"name\": \"late\"}");
        assertThat(fixture.events()).isEqualTo("integration.record.created integration.record.deleted");
        push(gate, "{\"id\": 1, \"n\": 8, \"name\": \"back\"}");
        assertThat(record(gate, 1)).isEqualTo("back f");
        assertThat(record(gate, 2)).isEqualTo("there t");
    }

    @Test
    void of_one_delivery_the_highest_version_holds() throws Exception {
        UUID gate = gate(", \"version\": \"/n\"");
        push(gate, "[{\"id\": 1, \"n\": 2, \"name\": \"new\"}, {\"id\": 1, \"n\": 1, \"name\": \"old\"}]");
        assertThat(record(gate, 1)).isEqualTo("new f");
    }

    @Test
    void without_a_version_what_comes_last_holds_and_a_record_without_one_is_refused_where_it_is_configured()
            throws Exception {
        UUID plain = gate("");
        push(plain, "{\"id\": 1, \"name\": \"second\", \"updated_at\": \"2026-03-02T10:00:00Z\"}");
        push(plain, "{\"id\": 1, \"name\": \"first\", \"updated_at\": \"2026-03-02T09:00:00Z\"}");
        assertThat(record(plain, 1)).isEqualTo("first f");

        Outcome refused = send(gate(VERSIONED), "{\"id\": 1, \"name\": \"x\", \"updated_at\": \"yesterday\"}", "pw");
        assertThat(refused).isInstanceOfSatisfying(Outcome.Refused.class, answer -> {
            assertThat(answer.status()).isEqualTo(422);
            assertThat(answer.reason()).contains("the version must be a number or a time", "/updated_at");
        });
    }

    @Test
    void the_vault_is_read_once_and_again_when_the_secret_has_changed() throws Exception {
        UUID gate = gate("");
        for (int i = 0; i < 5; i++) {
            push(gate, "{\"id\": " + i + "}");
        }
        assertThat(readings).hasValue(1);

        UUID secret = UUID.fromString(fixture.database.one(
                "SELECT vault_secret_id FROM posthorn.integration_configs WHERE id = '" + gate + "'"));
        fixture.vault.put(
                fixture.community,
                secret,
                login("other").getBytes(StandardCharsets.UTF_8),
                SecretChange.value(List.of("username", "password")),
                SecretAuthor.of("test"));
        assertThat(send(gate, "{\"id\": 6}", "pw")).isInstanceOf(Outcome.Refused.class);
        assertThat(send(gate, "{\"id\": 7}", "other")).isInstanceOf(Outcome.Saved.class);
        assertThat(readings).hasValue(2);

        fixture.vault.delete(fixture.community, secret, "test");
        assertThat(send(gate, "{\"id\": 8}", "other")).isInstanceOf(Outcome.NotReady.class);
    }

    private UUID gate(String more) {
        UUID secret = fixture.vault
                .create(
                        new NewSecret(
                                fixture.community,
                                "integration",
                                null,
                                UUID.randomUUID().toString(),
                                "",
                                null,
                                null),
                        login("pw").getBytes(StandardCharsets.UTF_8),
                        SecretAuthor.of("test"))
                .id();
        return UUID.fromString(fixture.database.one(
                "INSERT INTO posthorn.integration_configs (community_id, name, connector, vault_secret_id, config) VALUES ('"
                        + fixture.community + "', 'Gate', 'push', '" + secret
                        + "', '{\"verification\": {\"type\": \"basic\"}, \"records\": {\"type\": \"plate\"" + more
                        + "}}') RETURNING id"));
    }

    private static String login(String password) {
        return "{\"username\": \"cam\", \"password\": \"" + password + "\"}";
    }

    private void push(UUID gate, String body) throws Exception {
        assertThat(send(gate, body, "pw")).isInstanceOf(Outcome.Saved.class);
    }

    private Outcome send(UUID gate, String body, String password) throws Exception {
        String login =
                "Basic " + Base64.getEncoder().encodeToString(("cam:" + password).getBytes(StandardCharsets.UTF_8));
        return engine.receive(
                        gate,
                        new PushRequest(
                                "POST",
                                "",
                                Map.of("authorization", List.of(login)),
                                body.getBytes(StandardCharsets.UTF_8),
                                Instant.parse("2026-03-02T10:00:00Z")))
                .orElseThrow();
    }

    /** Its name, and whether it is deleted. */
    private String record(UUID gate, int id) {
        return fixture.database.one(
                "SELECT concat_ws(' ', data ->> 'name', deleted_at IS NOT NULL) FROM posthorn.integration_records"
                        + " WHERE integration_id = '" + gate + "' AND external_id = '" + id + "'");
    }

    /** Read, created, updated, unchanged, deleted. */
    private String counts(UUID gate) {
        return fixture.database.one(
                "SELECT concat_ws(' ', records_read, records_created, records_updated, records_unchanged, records_deleted)"
                        + " FROM posthorn.integration_sync_logs WHERE integration_id = '" + gate + "'");
    }
}
