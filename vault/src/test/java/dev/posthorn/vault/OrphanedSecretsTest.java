package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Secrets go with what they belong to, whoever is killed while it is deleted. */
class OrphanedSecretsTest {
    private final VaultFixture fixture = new VaultFixture();
    private final Elsewhere elsewhere = new Elsewhere();

    @BeforeEach
    void setClock() {
        fixture.database.setClock(Instant.parse("2026-03-02T10:00:00Z"));
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void the_credentials_of_an_integration_go_in_the_transaction_that_deletes_it() {
        try (Vault vault = fixture.vault()) {
            UUID deleted = integration();
            UUID staying = integration();
            UUID secret = credentials(vault, deleted);
            UUID other = credentials(vault, staying);
            delete(deleted);
            assertThat(stored()).containsExactly(other.toString());
            assertThat(fixture.database.query("SELECT secret_id FROM posthorn.vault_secret_versions"))
                    .containsExactly(List.of(other.toString()));
            assertThat(fixture.audited(secret)).containsExactly("secret.created", "secret.deleted");
            fixture.database.advanceClock(Duration.ofHours(2));
            maintain();
            assertThat(stored()).containsExactly(other.toString());
        }
    }

    @Test
    void what_another_store_keeps_is_deleted_by_a_node_where_nobody_lived_to_do_so() {
        try (Vault vault =
                Vault.over(fixture.database.dataSource(), fixture.master, List.of(elsewhere), elsewhere.name())) {
            UUID deleted = integration();
            UUID secret = credentials(vault, deleted);
            UUID other = credentials(vault, integration());
            // By SQL, or by a node that is killed just after.
            delete(deleted);
            assertThat(vault.deleteOrphans()).isZero();
            fixture.database.advanceClock(Duration.ofMinutes(61));
            maintain();
            assertThat(elsewhere.values).hasSize(2);
            assertThat(vault.deleteOrphans()).isEqualTo(1);
            assertThat(elsewhere.values).containsOnlyKeys(other);
            assertThat(stored()).containsExactly(other.toString());
            assertThat(fixture.audited(secret)).endsWith("secret.deleted");
            assertThat(vault.deleteOrphans()).isZero();
        }
    }

    @Test
    void credentials_whose_integration_was_never_made_go_after_an_hour() {
        try (Vault vault = fixture.vault()) {
            UUID secret = credentials(vault, UUID.randomUUID());
            UUID ownerless = vault.create(fixture.secret("own"), bytes("value"), SecretAuthor.of("test"))
                    .id();
            fixture.database.advanceClock(Duration.ofMinutes(59));
            maintain();
            assertThat(stored()).containsExactlyInAnyOrder(secret.toString(), ownerless.toString());
            fixture.database.advanceClock(Duration.ofMinutes(2));
            maintain();
            assertThat(stored()).containsExactly(ownerless.toString());
        }
    }

    @Test
    void secrets_of_a_deleted_endpoint_stay_as_long_as_something_may_be_under_way_and_then_go() throws Exception {
        OwnedSecrets owned = new OwnedSecrets(fixture.master);
        UUID deleted = fixture.endpoint(fixture.acme);
        UUID staying = fixture.endpoint(fixture.acme);
        for (UUID endpoint : List.of(deleted, staying)) {
            fixture.asService(connection -> {
                owned.put(connection, fixture.acme, endpoint, "endpoint_headers", Map.of("x", bytes("value")));
                return true;
            });
        }
        fixture.database.administrate(
                "UPDATE posthorn.webhook_endpoints SET deleted_at = posthorn.clock_now() WHERE id = '" + deleted + "'");
        fixture.database.advanceClock(Duration.ofMinutes(59));
        maintain();
        assertThat(owners()).containsExactlyInAnyOrder(deleted.toString(), staying.toString());
        fixture.database.advanceClock(Duration.ofMinutes(2));
        maintain();
        assertThat(owners()).containsExactly(staying.toString());
    }

    private UUID integration() {
        return UUID.fromString(fixture.database.one(
                "INSERT INTO posthorn.integration_configs (community_id, name, connector) VALUES ('" + fixture.acme
                        + "', 'ERP', 'http-json') RETURNING id"));
    }

    private UUID credentials(Vault vault, UUID integration) {
        return vault.create(
                        new NewSecret(
                                fixture.acme, "integration", integration, "credentials", "", List.of("token"), null),
                        bytes("{\"token\": \"t\"}"),
                        SecretAuthor.of("test"))
                .id();
    }

    private void delete(UUID integration) {
        fixture.database.administrate(
                "UPDATE posthorn.integration_configs SET deleted_at = posthorn.clock_now() WHERE id = '" + integration
                        + "'");
    }

    private void maintain() {
        fixture.database.query("SELECT * FROM posthorn.maintain_vault()");
    }

    private List<String> stored() {
        return column("SELECT id FROM posthorn.vault_secrets");
    }

    private List<String> owners() {
        return column("SELECT owner_id FROM posthorn.vault_secrets");
    }

    private List<String> column(String sql) {
        return fixture.database.query(sql).stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }

    /** A store that is not the database. */
    private static final class Elsewhere implements SecretStore {
        private final Map<UUID, byte[]> values = new ConcurrentHashMap<>();

        @Override
        public String name() {
            return "elsewhere";
        }

        @Override
        public SecretValue read(SecretAddress address, int version) {
            byte @Nullable [] value = values.get(address.secret());
            if (value == null) {
                throw Vault.missing(address.secret());
            }
            return new SecretValue(value.clone(), 1);
        }

        @Override
        public int write(SecretAddress address, byte[] value, int expected) {
            values.put(address.secret(), value.clone());
            return expected + 1;
        }

        @Override
        public void delete(SecretAddress address) {
            values.remove(address.secret());
        }

        @Override
        public Optional<Description> describe(SecretAddress address) {
            return values.containsKey(address.secret()) ? Optional.of(new Description(1, null)) : Optional.empty();
        }
    }
}
