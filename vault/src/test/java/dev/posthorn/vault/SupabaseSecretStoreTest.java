package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.AUTHOR;
import static dev.posthorn.vault.VaultFixture.READER;
import static dev.posthorn.vault.VaultFixture.bytes;
import static dev.posthorn.vault.VaultFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.vault.VaultException.Reason;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Against an imitation: tables, view and names are those of supabase_vault 0.3, and what opens a secret there is in the place of libsodium
 * here. The extension itself cannot be installed in the embedded PostgreSQL.
 */
class SupabaseSecretStoreTest {
    private static final String IMITATION = """
            CREATE SCHEMA vault;
            CREATE FUNCTION vault._crypto_aead_det_decrypt(message bytea, additional bytea, key_id bigint, context bytea, nonce bytea)
            RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT decode(reverse(encode(message, 'hex')), 'hex') $$;
            CREATE TABLE vault.secrets (
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, description text NOT NULL DEFAULT '', secret text NOT NULL,
                key_id uuid, nonce bytea DEFAULT '', created_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP,
                updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP);
            CREATE UNIQUE INDEX ON vault.secrets USING btree (name) WHERE name IS NOT NULL;
            CREATE VIEW vault.decrypted_secrets AS
            SELECT s.id, s.name, s.description, s.secret,
                   convert_from(vault._crypto_aead_det_decrypt(decode(s.secret, 'base64'), convert_to(s.id::text, 'utf8'), 0,
                                'pgsodium'::bytea, s.nonce), 'utf8') AS decrypted_secret,
                   s.key_id, s.nonce, s.created_at, s.updated_at
            FROM vault.secrets AS s;
            INSERT INTO vault.secrets (name, secret)
            VALUES ('bank_token', encode(decode(reverse(encode(convert_to('from supabase', 'utf8'), 'hex')), 'hex'), 'base64'));
            """;
    private static final String GRANTS =
            "GRANT USAGE ON SCHEMA vault TO posthorn_service; GRANT SELECT ON vault.decrypted_secrets TO posthorn_service";

    private final VaultFixture fixture = new VaultFixture();
    private final Vault vault = Vault.over(
            fixture.database.dataSource(),
            fixture.master,
            List.of(new SupabaseSecretStore(fixture.database.dataSource())),
            DatabaseSecretStore.NAME);

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void a_reference_by_name_or_id_is_read_and_nothing_of_the_value_is_copied() {
        fixture.database.administrate(IMITATION + GRANTS);
        UUID byName = refer("by name", "bank_token");
        UUID byId = refer("by id", fixture.database.one("SELECT id FROM vault.secrets"));
        assertThat(text(vault.read(fixture.acme, byName, READER))).isEqualTo("from supabase");
        assertThat(text(vault.read(fixture.acme, byId, READER))).isEqualTo("from supabase");
        assertThat(fixture.audited(byName)).containsExactly("secret.referred", "secret.read");
        assertThat(fixture.database.query("SELECT * FROM posthorn.vault_secret_versions"))
                .isEmpty();
        assertThat(refer("by name", "bank_token")).isEqualTo(byName);
        VaultTest.refused(() -> refer("by name", "other"), Reason.CONFLICT);
    }

    @Test
    void it_is_only_read_and_deleting_the_reference_leaves_the_secret() {
        fixture.database.administrate(IMITATION + GRANTS);
        UUID id = refer("token", "bank_token");
        VaultTest.refused(
                () -> vault.put(fixture.acme, id, bytes("x"), SecretChange.value(), AUTHOR), Reason.READ_ONLY);
        assertThat(vault.delete(fixture.acme, id, "test")).isTrue();
        assertThat(fixture.database.one("SELECT count(*) FROM vault.secrets")).isEqualTo("1");
    }

    @Test
    void what_is_missing_is_said_with_the_mend() {
        UUID id = refer("token", "bank_token");
        VaultTest.refused(() -> vault.read(fixture.acme, id, READER), Reason.FORBIDDEN)
                .hasMessageContaining("enable the extension");
        fixture.database.administrate(IMITATION);
        VaultTest.refused(() -> vault.read(fixture.acme, id, READER), Reason.FORBIDDEN)
                .hasMessageContaining("GRANT USAGE ON SCHEMA vault");
        fixture.database.administrate(GRANTS);
        UUID nothing = refer("nothing", "no_such");
        VaultTest.refused(() -> vault.read(fixture.acme, nothing, READER), Reason.NOT_FOUND);
        VaultTest.refused(() -> vault.refer(fixture.secret("x"), "nowhere", "y", "test"), Reason.UNAVAILABLE);
    }

    private UUID refer(String name, String reference) {
        return vault.refer(fixture.secret(name), SupabaseSecretStore.NAME, reference, "test");
    }
}
