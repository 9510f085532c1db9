package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.AUTHOR;
import static dev.posthorn.vault.VaultFixture.READER;
import static dev.posthorn.vault.VaultFixture.bytes;
import static dev.posthorn.vault.VaultFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.vault.VaultException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whoever can write the tables cannot make a secret stand for another one. */
class SwappedRowsTest {
    private final VaultFixture fixture = new VaultFixture();
    private final Vault vault = fixture.vault();

    private record Version(UUID community, UUID secret, int version, String value) {}

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void the_ciphertext_of_no_row_is_taken_in_any_other() {
        List<Version> all = new ArrayList<>();
        for (UUID community : List.of(fixture.acme, fixture.other)) {
            for (String name : List.of("a", "b")) {
                NewSecret secret = new NewSecret(community, "gateway", null, name, "", null, null);
                UUID id = vault.create(secret, bytes(community + name + 1), AUTHOR)
                        .id();
                vault.put(community, id, bytes(community + name + 2), SecretChange.value(), AUTHOR);
                all.add(new Version(community, id, 1, community + name + 1));
                all.add(new Version(community, id, 2, community + name + 2));
            }
        }
        int refused = 0;
        for (Version to : all) {
            fixture.database.administrate("CREATE TABLE public.kept AS SELECT * FROM posthorn.vault_secret_versions");
            for (Version from : all) {
                fixture.database.administrate(
                        "UPDATE posthorn.vault_secret_versions AS v SET ciphertext = k.ciphertext, data_key_id = k.data_key_id"
                                + " FROM public.kept AS k WHERE v.secret_id = '" + to.secret() + "' AND v.version = "
                                + to.version() + " AND k.secret_id = '" + from.secret() + "' AND k.version = "
                                + from.version());
                SecretAddress address = new SecretAddress(to.community(), to.secret(), null);
                SecretStore store = new DatabaseSecretStore(fixture.database.dataSource(), fixture.master);
                if (from.equals(to)) {
                    assertThat(text(store.read(address, to.version()))).isEqualTo(to.value());
                } else {
                    VaultTest.refused(() -> store.read(address, to.version()), Reason.UNREADABLE)
                            .hasMessageContaining("does not belong where it stands");
                    refused++;
                }
            }
            fixture.database.administrate(
                    "UPDATE posthorn.vault_secret_versions AS v SET ciphertext = k.ciphertext FROM public.kept AS k"
                            + " WHERE v.secret_id = k.secret_id AND v.version = k.version; DROP TABLE public.kept");
        }
        assertThat(refused).isEqualTo(8 * 7);
    }

    @Test
    void a_secret_with_another_community_purpose_or_owner_is_refused() {
        UUID id = vault.create(fixture.secret("a"), bytes("value"), AUTHOR).id();
        String where = " WHERE id = '" + id + "'";
        for (String change : List.of(
                "purpose = 'endpoint_signing'", "purpose = 'other'", "owner_id = gen_random_uuid()", "version = 2")) {
            fixture.database.administrate("UPDATE posthorn.vault_secrets SET " + change + where);
            fixture.database.administrate("UPDATE posthorn.vault_secret_versions SET version = (SELECT version FROM"
                    + " posthorn.vault_secrets" + where + ")");
            VaultTest.refused(() -> vault.read(fixture.acme, id, READER), Reason.UNREADABLE);
            fixture.database.administrate(
                    "UPDATE posthorn.vault_secrets SET purpose = 'gateway', owner_id = NULL, version = 1" + where
                            + "; UPDATE posthorn.vault_secret_versions SET version = 1");
        }
        assertThat(text(vault.read(fixture.acme, id, READER))).isEqualTo("value");
        fixture.database.administrate(
                "UPDATE posthorn.vault_secrets SET community_id = '" + fixture.other + "'" + where);
        VaultTest.refused(() -> vault.read(fixture.other, id, READER), Reason.UNREADABLE);
    }

    @Test
    void a_changed_ciphertext_is_refused() {
        UUID id = vault.create(fixture.secret("a"), bytes("value"), AUTHOR).id();
        fixture.database.administrate(
                "UPDATE posthorn.vault_secret_versions SET ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1)");
        VaultTest.refused(() -> vault.read(fixture.acme, id, READER), Reason.UNREADABLE);
        fixture.database.administrate("UPDATE posthorn.vault_secret_versions SET ciphertext = ''");
        VaultTest.refused(() -> vault.read(fixture.acme, id, READER), Reason.UNREADABLE);
    }
}
