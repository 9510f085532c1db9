package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.AUTHOR;
import static dev.posthorn.vault.VaultFixture.READER;
import static dev.posthorn.vault.VaultFixture.bytes;
import static dev.posthorn.vault.VaultFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.vault.VaultException.Reason;
import dev.posthorn.vault.VaultKeys.Rotation;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VaultKeysTest {
    private final VaultFixture fixture = new VaultFixture();
    private final MasterKeyset old = fixture.master;
    private final MasterKeyset fresh = MasterKeyset.generate();
    private final MasterKeyset both = old.preceded(fresh);
    private final Map<UUID, String> values = new LinkedHashMap<>();

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void a_master_key_is_changed_in_three_steps_and_every_secret_stays_readable() {
        put(20);
        assertThat(text(read(both))).isEqualTo("value 0");
        assertThat(new VaultKeys(fixture.database.dataSource(), both).rewrap(false))
                .isEqualTo(1);
        assertThat(new VaultKeys(fixture.database.dataSource(), both).rewrap(false))
                .isZero();
        assertThat(text(read(both))).isEqualTo("value 0");
        assertThat(text(read(fresh))).isEqualTo("value 0");
        VaultTest.refused(() -> read(old), Reason.UNREADABLE).hasMessageContaining(fresh.id());
        assertThat(MasterKeyset.parse(both.encoded()).ids()).containsExactly(fresh.id(), old.id());
    }

    @Test
    void without_the_old_key_nothing_is_wrapped_and_the_one_that_is_needed_is_named() {
        put(1);
        VaultTest.refused(() -> new VaultKeys(fixture.database.dataSource(), fresh).rewrap(false), Reason.UNREADABLE)
                .hasMessageContaining(old.id());
        assertThat(text(read(old))).isEqualTo("value 0");
    }

    @Test
    void while_a_running_node_lacks_the_new_key_nothing_is_wrapped_with_it() throws Exception {
        put(1);
        VaultNode node = new VaultNode(old);
        fixture.asService(connection -> {
            node.announce(connection);
            return true;
        });
        VaultKeys keys = new VaultKeys(fixture.database.dataSource(), both);
        VaultTest.refused(() -> keys.rewrap(false), Reason.CONFLICT).hasMessageContaining("restart them with it");
        VaultTest.refused(() -> keys.rotate(false, (done, all) -> {}), Reason.CONFLICT);
        assertThat(KeyStatus.of(fixture.database.dataSource()).nodes())
                .singleElement()
                .satisfies(shown -> assertThat(shown.masterKeys()).containsExactly(old.id()));
        fixture.asService(connection -> {
            node.leave(connection);
            return true;
        });
        assertThat(keys.rewrap(false)).isEqualTo(1);
    }

    @Test
    void a_node_with_only_the_old_key_learns_that_it_lacks_the_new_one() throws Exception {
        put(1);
        VaultNode node = new VaultNode(old);
        fixture.asService(connection -> {
            node.check(connection);
            return true;
        });
        new VaultKeys(fixture.database.dataSource(), both).rotate(true, (done, all) -> {});
        assertThatThrownBy(() -> fixture.asService(connection -> {
                    node.check(connection);
                    return true;
                }))
                .isInstanceOf(VaultException.class)
                .hasMessageContaining("give the one with id " + fresh.id());
    }

    @Test
    void a_rotation_encrypts_every_value_anew_with_progress_and_the_old_data_key_is_dropped_later() {
        put(1100);
        UUID endpoint = fixture.endpoint(fixture.acme);
        String signing = secretOf(endpoint);
        StringBuilder heard = new StringBuilder();
        Rotation rotation = new VaultKeys(fixture.database.dataSource(), old)
                .rotate(
                        false,
                        (done, all) ->
                                heard.append(done).append('/').append(all).append(' '));
        assertThat(rotation).isEqualTo(new Rotation(1101, 0, false));
        assertThat(heard.toString()).startsWith("500/1101 1000/1101 1101/1101 ");
        assertThat(fixture.database.one("SELECT count(DISTINCT data_key_id) FROM posthorn.vault_secret_versions"))
                .isEqualTo("1");
        allReadable();
        assertThat(secretOf(endpoint)).isEqualTo(signing);
        fixture.database.advanceClock(Duration.ofHours(25));
        fixture.database.query("SELECT * FROM posthorn.maintain_vault()");
        assertThat(fixture.database.one("SELECT count(*) FROM posthorn.vault_data_keys"))
                .isEqualTo("1");
        allReadable();
    }

    @Test
    void a_rotation_that_was_killed_goes_on_where_it_stopped() {
        put(1100);
        VaultKeys killed = new VaultKeys(fixture.database.dataSource(), old);
        assertThatThrownBy(() -> killed.rotate(false, (done, all) -> {
                    throw new IllegalStateException("killed after the first batch");
                }))
                .hasMessageContaining("killed");
        assertThat(KeyStatus.of(fixture.database.dataSource()).valuesLeft()).isEqualTo(600);
        allReadable();
        Rotation rest = new VaultKeys(fixture.database.dataSource(), old).rotate(false, (done, all) -> {});
        assertThat(rest).isEqualTo(new Rotation(600, 0, true));
        assertThat(KeyStatus.of(fixture.database.dataSource()))
                .isEqualTo(new KeyStatus(
                        java.util.List.of(new KeyStatus.Wrap(old.id(), 2)), 1, 1, 1100, 0, java.util.List.of()));
        allReadable();
    }

    @Test
    void what_is_written_and_read_during_two_rotations_at_once_is_never_lost() throws Exception {
        put(1100);
        AtomicBoolean rotating = new AtomicBoolean(true);
        try (Vault vault = fixture.vault();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var writer = threads.submit(() -> {
                int written = 0;
                UUID id = values.keySet().iterator().next();
                while (rotating.get() || written < 5) {
                    vault.put(fixture.acme, id, bytes("again " + written), SecretChange.value(), AUTHOR);
                    assertThat(text(vault.read(fixture.acme, id, READER))).isEqualTo("again " + written);
                    values.put(id, "again " + written);
                    written++;
                }
                return written;
            });
            VaultKeys keys = new VaultKeys(fixture.database.dataSource(), old);
            var first = threads.submit(() -> keys.rotate(false, (done, all) -> {}));
            var second = threads.submit(() -> keys.rotate(false, (done, all) -> {}));
            long resealed = first.get().resealed() + second.get().resealed();
            rotating.set(false);
            assertThat(writer.get()).isGreaterThanOrEqualTo(5);
            assertThat(resealed).isGreaterThanOrEqualTo(1100);
        }
        assertThat(KeyStatus.of(fixture.database.dataSource()).valuesLeft()).isZero();
        allReadable();
    }

    @Test
    void a_value_that_cannot_be_opened_is_counted_and_does_not_stop_the_others() {
        put(10);
        fixture.database.administrate(
                "UPDATE posthorn.vault_secret_versions SET ciphertext = 'damaged' WHERE secret_id = '"
                        + values.keySet().iterator().next() + "'");
        assertThat(new VaultKeys(fixture.database.dataSource(), old).rotate(false, (done, all) -> {}))
                .isEqualTo(new Rotation(9, 1, false));
    }

    private void put(int secrets) {
        try (Vault vault = fixture.vault()) {
            UUID first =
                    vault.create(fixture.secret("0"), bytes("value 0"), AUTHOR).id();
            values.put(first, "value 0");
        }
        OwnedSecrets owned = new OwnedSecrets(old);
        Map<String, byte[]> more = new LinkedHashMap<>();
        for (int n = 1; n < secrets; n++) {
            more.put("owned " + n, bytes("value " + n));
        }
        try {
            fixture.asService(connection -> {
                owned.put(connection, fixture.acme, fixture.other, "endpoint_header", more);
                return true;
            });
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
        fixture.database
                .query("SELECT id, name FROM posthorn.vault_secrets WHERE owner_id IS NOT NULL")
                .forEach(row -> values.put(
                        UUID.fromString(String.valueOf(row.get(0))),
                        String.valueOf(row.get(1)).replace("owned", "value")));
        assertThat(values).hasSize(secrets);
    }

    private SecretValue read(MasterKeyset master) {
        Vault vault = Vault.over(fixture.database.dataSource(), master);
        return vault.read(fixture.acme, values.keySet().iterator().next(), READER);
    }

    private void allReadable() {
        Map<UUID, String> read = new LinkedHashMap<>();
        UUID first = values.keySet().iterator().next();
        read.put(
                first,
                text(new DatabaseSecretStore(fixture.database.dataSource(), old)
                        .read(new SecretAddress(fixture.acme, first, null), SecretStore.NEWEST)));
        Map<String, SecretValue> owned;
        try {
            owned = fixture.asService(connection -> new OwnedSecrets(old)
                    .readAll(connection, java.util.List.of(fixture.other), "endpoint_header")
                    .getOrDefault(fixture.other, Map.of()));
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
        fixture.database
                .query("SELECT id, name FROM posthorn.vault_secrets WHERE purpose = 'endpoint_header'")
                .forEach(row -> read.put(
                        UUID.fromString(String.valueOf(row.get(0))),
                        text(java.util.Objects.requireNonNull(owned.get(String.valueOf(row.get(1)))))));
        assertThat(read).isEqualTo(values);
    }

    private String secretOf(UUID endpoint) {
        try {
            return fixture.asService(connection -> new EndpointSecrets(old)
                    .read(connection, endpoint)
                    .get(0)
                    .secret()
                    .encoded());
        } catch (java.sql.SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
