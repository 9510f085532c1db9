package dev.posthorn.vault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.vault.VaultException.Reason;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class DatabaseSecretStoreTest extends SecretStoreBehaviour {
    private final VaultFixture fixture = new VaultFixture();
    private final SecretStore store = new DatabaseSecretStore(fixture.database.dataSource(), fixture.master);

    @AfterEach
    void close() {
        fixture.close();
    }

    @Override
    protected SecretStore store() {
        return store;
    }

    @Override
    protected SecretAddress address() {
        String id = fixture.database.one(
                "INSERT INTO posthorn.vault_secrets (id, community_id, purpose, name) VALUES (gen_random_uuid(), '"
                        + fixture.acme + "', 'gateway', gen_random_uuid()::text) RETURNING id");
        return new SecretAddress(fixture.acme, UUID.fromString(id), null);
    }

    @Test
    void a_database_that_is_away_is_an_outage() {
        PGSimpleDataSource nowhere = new PGSimpleDataSource();
        nowhere.setPortNumbers(new int[] {1});
        SecretStore away = new DatabaseSecretStore(nowhere, fixture.master);
        SecretAddress address = address();
        VaultTest.refused(() -> away.read(address, SecretStore.NEWEST), Reason.UNAVAILABLE);
        VaultTest.refused(() -> away.write(address, new byte[1], 0), Reason.UNAVAILABLE);
    }

    @Test
    void what_the_database_holds_is_not_the_value() {
        SecretAddress address = address();
        store.write(address, VaultFixture.bytes("canary-of-the-vault"), 0);
        assertThat(fixture.database.one("SELECT encode(ciphertext, 'escape') FROM posthorn.vault_secret_versions"))
                .doesNotContain("canary");
    }
}
