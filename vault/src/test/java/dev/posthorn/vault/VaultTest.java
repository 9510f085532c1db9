package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.AUTHOR;
import static dev.posthorn.vault.VaultFixture.READER;
import static dev.posthorn.vault.VaultFixture.bytes;
import static dev.posthorn.vault.VaultFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.posthorn.vault.VaultException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class VaultTest {
    private final VaultFixture fixture = new VaultFixture();
    private final Vault vault = fixture.vault();

    @AfterEach
    void close() {
        vault.close();
        fixture.close();
    }

    @Test
    void a_secret_is_made_replaced_rotated_read_and_deleted_and_all_of_it_is_in_the_audit_log() {
        UUID id = vault.create(fixture.secret("bank"), bytes("first"), AUTHOR).id();
        assertThat(read(id)).isEqualTo("first");
        assertThat(vault.put(fixture.acme, id, bytes("second"), SecretChange.value(), AUTHOR)
                        .version())
                .isEqualTo(2);
        assertThat(vault.readInUse(fixture.acme, id, READER))
                .extracting(VaultFixture::text)
                .containsExactly("second");
        SecretChange rotation = SecretChange.value().overlapping(Duration.ofHours(1));
        vault.put(fixture.acme, id, bytes("third"), rotation, AUTHOR);
        assertThat(vault.readInUse(fixture.acme, id, READER))
                .extracting(VaultFixture::text)
                .containsExactly("third", "second");
        fixture.database.advanceClock(Duration.ofMinutes(61));
        assertThat(vault.readInUse(fixture.acme, id, READER))
                .extracting(VaultFixture::text)
                .containsExactly("third");
        assertThat(vault.delete(fixture.acme, id, "test")).isTrue();
        assertThat(vault.delete(fixture.acme, id, "test")).isFalse();
        refused(() -> read(id), Reason.NOT_FOUND);
        assertThat(fixture.audited(id))
                .containsExactly(
                        "secret.created", "secret.read", "secret.replaced", "secret.rotated", "secret.deleted");
        assertThat(fixture.database.one("SELECT count(*) FROM posthorn.vault_secret_versions"))
                .isEqualTo("0");
    }

    @Test
    void a_secret_is_bound_to_its_community_and_cannot_be_touched_from_another() {
        UUID id = vault.create(fixture.secret("bank"), bytes("mine"), AUTHOR).id();
        refused(() -> vault.read(fixture.other, id, READER), Reason.NOT_FOUND);
        refused(() -> vault.put(fixture.other, id, bytes("x"), SecretChange.value(), AUTHOR), Reason.NOT_FOUND);
        refused(() -> vault.change(fixture.other, id, SecretChange.value(), "test"), Reason.NOT_FOUND);
        assertThat(vault.describe(fixture.other, id)).isEmpty();
        assertThat(vault.delete(fixture.other, id, "test")).isFalse();
        assertThat(read(id)).isEqualTo("mine");
    }

    @Test
    void a_hot_reader_costs_a_line_and_afterwards_a_number() {
        UUID id = vault.create(fixture.secret("bank"), bytes("value"), AUTHOR).id();
        for (int i = 0; i < 50; i++) {
            assertThat(read(id)).isEqualTo("value");
        }
        vault.read(fixture.acme, id, new SecretReader("integration:7", "check")).close();
        vault.close();
        assertThat(fixture.audited(id))
                .containsExactly("secret.created", "secret.read", "secret.read", "secret.reads_counted");
        assertThat(fixture.database.query(
                        "SELECT actor, detail ->> 'reason', detail ->> 'reads' FROM posthorn.audit_log"
                                + " WHERE action = 'secret.reads_counted'"))
                .containsExactly(List.of("integration:7", "sync run", "50"));
    }

    @Test
    void nobody_gets_a_value_whose_reading_cannot_be_written_down() {
        UUID id = vault.create(fixture.secret("bank"), bytes("value"), AUTHOR).id();
        fixture.database.administrate("REVOKE INSERT ON posthorn.audit_log FROM posthorn");
        refused(() -> read(id), Reason.UNAVAILABLE);
        fixture.database.administrate("GRANT INSERT ON posthorn.audit_log TO posthorn");
        assertThat(read(id)).isEqualTo("value");
        assertThat(fixture.audited(id)).containsExactly("secret.created", "secret.read");
    }

    @Test
    void an_expired_secret_is_given_to_nobody_until_it_has_a_new_end() {
        Instant end = Instant.now().plus(Duration.ofHours(1));
        NewSecret secret = new NewSecret(fixture.acme, "gateway", null, "token", "", null, end);
        UUID id = vault.create(secret, bytes("value"), AUTHOR).id();
        fixture.database.advanceClock(Duration.ofHours(2));
        refused(() -> read(id), Reason.EXPIRED).hasMessageContaining("put a new version");
        vault.change(fixture.acme, id, new SecretChange("for ever", null, true, null, Duration.ZERO), "test");
        assertThat(read(id)).isEqualTo("value");
        assertThat(vault.describe(fixture.acme, id).orElseThrow().description()).isEqualTo("for ever");
    }

    @Test
    void the_same_idempotency_key_writes_once_and_is_refused_for_anything_else() {
        SecretAuthor author = new SecretAuthor("test", "k1");
        WrittenSecret first = vault.create(fixture.secret("bank"), bytes("value"), author);
        WrittenSecret again = vault.create(fixture.secret("bank"), bytes("value"), author);
        assertThat(again).isEqualTo(new WrittenSecret(first.id(), 1, true));
        refused(() -> vault.create(fixture.secret("bank"), bytes("other"), author), Reason.CONFLICT)
                .hasMessageNotContaining("other\"");
        refused(() -> vault.create(fixture.secret("shop"), bytes("value"), author), Reason.CONFLICT);
        assertThat(fixture.database.one("SELECT count(*) FROM posthorn.vault_secrets"))
                .isEqualTo("1");
        SecretAuthor rotation = new SecretAuthor("test", "k2");
        for (int i = 0; i < 2; i++) {
            assertThat(vault.put(fixture.acme, first.id(), bytes("second"), SecretChange.value(), rotation)
                            .version())
                    .isEqualTo(2);
        }
        assertThat(fixture.database.one("SELECT string_agg(version::text, ',') FROM posthorn.vault_secret_versions"))
                .isEqualTo("1,2");
        fixture.database.advanceClock(Duration.ofHours(25));
        assertThat(vault.put(fixture.acme, first.id(), bytes("third"), SecretChange.value(), rotation)
                        .version())
                .isEqualTo(3);
    }

    @Test
    void what_a_killed_process_began_is_ended_by_a_repetition() {
        // Killed after the intention was committed, before the value was.
        SecretAuthor author = new SecretAuthor("test", "k1");
        UUID begun = UUID.fromString(fixture.database.one(
                "INSERT INTO posthorn.vault_secrets (id, community_id, purpose, name) VALUES (gen_random_uuid(), '"
                        + fixture.acme + "', 'gateway', 'bank') RETURNING id"));
        fixture.database.administrate("INSERT INTO posthorn.vault_idempotency_keys VALUES ('" + fixture.acme
                + "', 'k1', '" + begun + "', 1, now() + interval '1 hour')");
        refused(() -> read(begun), Reason.NOT_FOUND).hasMessageContaining("no value yet");
        assertThat(vault.create(fixture.secret("bank"), bytes("value"), author))
                .isEqualTo(new WrittenSecret(begun, 1, false));
        // Killed after the value was, before the result was.
        fixture.database.administrate("UPDATE posthorn.vault_secrets SET written_at = NULL, previous_until = NULL");
        assertThat(vault.create(fixture.secret("bank"), bytes("value"), author))
                .isEqualTo(new WrittenSecret(begun, 1, true));
        assertThat(fixture.database.one("SELECT written_at IS NOT NULL FROM posthorn.vault_secrets"))
                .isEqualTo("t");
    }

    @Test
    void of_many_writers_at_once_each_version_is_one_of_theirs_and_who_lost_is_told() throws Exception {
        UUID id = vault.create(fixture.secret("bank"), bytes("0"), AUTHOR).id();
        int written = 0;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var answers = threads.invokeAll(IntStream.rangeClosed(1, 8)
                    .<java.util.concurrent.Callable<Boolean>>mapToObj(n -> () -> {
                        try {
                            vault.put(fixture.acme, id, bytes("" + n), SecretChange.value(), AUTHOR);
                            return true;
                        } catch (VaultException e) {
                            assertThat(e.reason()).isEqualTo(Reason.CONFLICT);
                            return false;
                        }
                    })
                    .toList());
            for (var answer : answers) {
                written += answer.get() ? 1 : 0;
            }
        }
        assertThat(written).isPositive();
        assertThat(fixture.database.one("SELECT count(*) FROM posthorn.vault_secret_versions"))
                .isEqualTo("" + (written + 1));
        assertThat(vault.describe(fixture.acme, id).orElseThrow().version()).isEqualTo(written + 1);
    }

    @Test
    void what_makes_no_sense_is_refused_with_the_name_of_the_field() {
        refused(() -> vault.create(fixture.secret(""), bytes("x"), AUTHOR), Reason.INVALID)
                .hasMessageStartingWith("name:");
        refused(() -> vault.create(fixture.secret("a\nb"), bytes("x"), AUTHOR), Reason.INVALID)
                .hasMessageStartingWith("name:");
        refused(() -> vault.create(fixture.secret("bank"), new byte[0], AUTHOR), Reason.INVALID)
                .hasMessageStartingWith("value:");
        refused(() -> vault.create(fixture.secret("bank"), new byte[Vault.LARGEST_VALUE + 1], AUTHOR), Reason.INVALID)
                .hasMessageStartingWith("value:");
        refused(() -> new NewSecret(fixture.acme, "endpoint_signing", null, "x", "", null, null), Reason.INVALID)
                .hasMessageStartingWith("purpose:");
        NewSecret nowhere = new NewSecret(UUID.randomUUID(), "gateway", null, "x", "", null, null);
        refused(() -> vault.create(nowhere, bytes("x"), AUTHOR), Reason.INVALID).hasMessageStartingWith("community:");
        vault.create(fixture.secret("bank"), new byte[Vault.LARGEST_VALUE], AUTHOR);
        refused(() -> vault.create(fixture.secret("bank"), bytes("x"), AUTHOR), Reason.CONFLICT)
                .hasMessageStartingWith("name:");
    }

    @Test
    void a_value_is_overwritten_when_it_is_closed_and_never_shown() {
        UUID id = vault.create(fixture.secret("bank"), bytes("value"), AUTHOR).id();
        SecretValue value = vault.read(fixture.acme, id, READER);
        byte[] bytes = value.bytes();
        assertThat(value.toString()).doesNotContain("value]").contains("version 1");
        value.close();
        assertThat(bytes).containsOnly(0);
        assertThatThrownBy(value::bytes).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void maintenance_drops_replaced_values_and_what_was_begun_and_never_written() {
        UUID id = vault.create(fixture.secret("bank"), bytes("1"), AUTHOR).id();
        vault.put(fixture.acme, id, bytes("2"), SecretChange.value().overlapping(Duration.ofDays(1)), AUTHOR);
        fixture.database.administrate(
                "INSERT INTO posthorn.vault_secrets (id, community_id, purpose, name) VALUES (gen_random_uuid(), '"
                        + fixture.acme + "', 'gateway', 'begun')");
        fixture.database.advanceClock(Duration.ofHours(24));
        fixture.database.query("SELECT * FROM posthorn.maintain_vault()");
        assertThat(fixture.database.one("SELECT count(*) FROM posthorn.vault_secret_versions"))
                .isEqualTo("2");
        fixture.database.advanceClock(Duration.ofHours(2));
        fixture.database.query("SELECT * FROM posthorn.maintain_vault()");
        assertThat(fixture.database.one("SELECT string_agg(version::text, ',') FROM posthorn.vault_secret_versions"))
                .isEqualTo("2");
        assertThat(fixture.database.one("SELECT string_agg(name, ',') FROM posthorn.vault_secrets"))
                .isEqualTo("bank");
        assertThat(read(id)).isEqualTo("2");
    }

    private String read(UUID id) {
        return text(vault.read(fixture.acme, id, READER));
    }

    static AbstractThrowableAssert<?, VaultException> refused(
            org.assertj.core.api.ThrowableAssert.ThrowingCallable call, Reason reason) {
        return assertThatThrownBy(call)
                .asInstanceOf(type(VaultException.class))
                .satisfies(failure -> assertThat(failure.reason()).isEqualTo(reason))
                .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.throwable(VaultException.class));
    }
}
