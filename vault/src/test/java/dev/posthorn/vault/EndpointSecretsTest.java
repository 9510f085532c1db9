package dev.posthorn.vault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.schema.Migrator;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EndpointSecretsTest {
    private final MasterKeyset master = MasterKeyset.generate();
    private final EndpointSecrets secrets = new EndpointSecrets(master);
    private TestDatabase database;
    private UUID endpoint;

    @BeforeEach
    void migrate() {
        database = TestDatabase.create(source -> new Migrator(source).migrate());
        database.administrate("INSERT INTO posthorn.communities (name) VALUES ('Acme')");
        endpoint = newEndpoint();
    }

    @AfterEach
    void drop() {
        database.close();
    }

    @Test
    void an_endpoint_inserted_by_sql_gets_a_secret_and_is_not_asked_for_again() throws Exception {
        assertThat(database.one("SELECT count(*) FROM posthorn.webhook_endpoint_health WHERE secret_version IS NULL"))
                .isEqualTo("1");
        assertThat(ensure()).isEqualTo(1);
        assertThat(ensure()).isZero();
        assertThat(database.one("SELECT secret_version FROM posthorn.webhook_endpoint_health"))
                .isEqualTo("1");
        assertThat(read()).singleElement().satisfies(secret -> {
            assertThat(secret.version()).isEqualTo(1);
            assertThat(secret.expiresAt()).isNull();
        });
    }

    @Test
    void reading_makes_a_missing_secret_and_gives_it_again() throws Exception {
        List<EndpointSecret> first = read();
        assertThat(first).hasSize(1).isEqualTo(read());
        List<EndpointSecret> ofNothing = asService(connection -> secrets.read(connection, UUID.randomUUID()));
        assertThat(ofNothing).isEmpty();
    }

    @Test
    void replaced_secrets_and_key_pairs_stay_until_an_hour_after_their_overlap() throws Exception {
        read();
        asService(connection -> secrets.readKeyPairs(connection, endpoint));
        Duration overlap = Duration.ofHours(3);
        asService(connection -> secrets.rotate(connection, endpoint, overlap));
        List<EndpointKeyPair> both = asService(connection -> secrets.rotateKeyPair(connection, endpoint, overlap));
        assertThat(both).hasSize(2);
        database.advanceClock(Duration.ofMinutes(235));
        database.query("SELECT * FROM posthorn.maintain_vault()");
        assertThat(versions()).isEqualTo("endpoint_key_pair 1,2; endpoint_signing 1,2");
        database.advanceClock(Duration.ofMinutes(10));
        database.query("SELECT * FROM posthorn.maintain_vault()");
        assertThat(versions()).isEqualTo("endpoint_key_pair 2; endpoint_signing 2");
        List<EndpointKeyPair> left = asService(connection -> secrets.readKeyPairs(connection, endpoint));
        assertThat(left).singleElement().extracting(EndpointKeyPair::version).isEqualTo(2);
    }

    private String versions() {
        return database.one("""
                SELECT string_agg(purpose || ' ' || versions, '; ' ORDER BY purpose)
                FROM (
                    SELECT s.purpose, string_agg(v.version::text, ',' ORDER BY v.version) AS versions
                    FROM posthorn.vault_secrets AS s
                    JOIN posthorn.vault_secret_versions AS v ON v.secret_id = s.id
                    GROUP BY s.purpose
                ) AS each_purpose
                """);
    }

    @Test
    void of_many_nodes_at_once_one_wins() throws Exception {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<List<EndpointSecret>>> nodes = java.util.Collections.nCopies(8, () -> {
                EndpointSecrets node = new EndpointSecrets(master);
                return asService(connection -> node.read(connection, endpoint));
            });
            List<WebhookSecret> seen = new java.util.ArrayList<>();
            for (var answer : threads.invokeAll(nodes)) {
                // A node that lost the race reads under its own snapshot and may see nothing yet; it never sees another
                // secret.
                answer.get().forEach(secret -> seen.add(secret.secret()));
            }
            assertThat(seen).isNotEmpty().containsOnly(read().get(0).secret());
        }
        assertThat(database.one("SELECT count(*) FROM posthorn.vault_secrets")).isEqualTo("1");
        assertThat(database.one("SELECT count(*) FROM posthorn.vault_data_keys"))
                .isEqualTo("1");
    }

    @Test
    void rotation_keeps_the_older_secret_until_its_overlap_is_over() throws Exception {
        WebhookSecret before = read().get(0).secret();
        List<EndpointSecret> during =
                asService(connection -> secrets.rotate(connection, endpoint, Duration.ofHours(1)));
        assertThat(during).extracting(EndpointSecret::version).containsExactly(2, 1);
        assertThat(during.get(1).secret()).isEqualTo(before);
        assertThat(during.get(1).expiresAt()).isNotNull();
        database.advanceClock(Duration.ofMinutes(61));
        assertThat(read()).extracting(EndpointSecret::version).containsExactly(2);
    }

    @Test
    void the_database_never_sees_a_secret_and_swapped_rows_are_found_out() throws Exception {
        String encoded = read().get(0).secret().encoded();
        String stored = database.one("SELECT encode(ciphertext, 'escape') FROM posthorn.vault_secret_versions");
        assertThat(stored).doesNotContain(encoded.substring(WebhookSecret.PREFIX.length()));
        UUID other = newEndpoint();
        asService(connection -> secrets.read(connection, other));
        database.administrate(
                "UPDATE posthorn.vault_secret_versions SET ciphertext = (SELECT ciphertext FROM posthorn.vault_secret_versions AS v"
                        + " JOIN posthorn.vault_secrets AS s ON s.id = v.secret_id WHERE s.owner_id = '" + other
                        + "') WHERE secret_id = (SELECT id FROM posthorn.vault_secrets WHERE owner_id = '" + endpoint
                        + "')");
        assertThatThrownBy(this::read).isInstanceOf(VaultException.class).hasMessageContaining("does not belong");
    }

    @Test
    void a_wrong_master_key_is_refused_with_the_id_of_the_right_one() throws Exception {
        read();
        EndpointSecrets stranger = new EndpointSecrets(MasterKeyset.generate());
        assertThatThrownBy(() -> asService(connection -> stranger.read(connection, endpoint)))
                .isInstanceOf(VaultException.class)
                .hasMessageContaining(master.id());
    }

    @Test
    void master_keys_are_written_read_and_never_shown() throws Exception {
        assertThat(MasterKeyset.parse(master.encoded()).id()).isEqualTo(master.id());
        assertThat(master.toString()).doesNotContain(master.encoded());
        assertThatThrownBy(() -> MasterKeyset.parse("nonsense"))
                .hasMessageContaining("keygen")
                .hasNoCause();
        var file = java.nio.file.Files.createTempDirectory("posthorn").resolve("master.key");
        assertThatThrownBy(() -> MasterKeyset.fromFile(file)).hasMessageContaining("keygen --out");
        master.writeTo(file);
        assertThat(MasterKeyset.fromFile(file).id()).isEqualTo(master.id());
        assertThat(file.toFile().setReadable(true, false)).isTrue();
        assertThatThrownBy(() -> MasterKeyset.fromFile(file)).hasMessageContaining("chmod 600");
        assertThat(java.nio.file.Files.readString(file, StandardCharsets.US_ASCII)
                        .strip())
                .isEqualTo(master.encoded());
    }

    private List<EndpointSecret> read() throws SQLException {
        return asService(connection -> secrets.read(connection, endpoint));
    }

    private int ensure() throws SQLException {
        return asService(connection -> secrets.ensure(connection, 100));
    }

    private UUID newEndpoint() {
        return UUID.fromString(database.one("INSERT INTO posthorn.webhook_endpoints (community_id, url)"
                + " SELECT id, 'https://example.com/' FROM posthorn.communities RETURNING id"));
    }

    private interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    private <T> T asService(Work<T> work) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET LOCAL ROLE posthorn_service");
            T result = work.on(connection);
            connection.commit();
            return result;
        }
    }
}
