package dev.posthorn.vault;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;

/** A migrated database with two communities and a master key. */
final class VaultFixture implements AutoCloseable {
    static final SecretAuthor AUTHOR = SecretAuthor.of("test");
    static final SecretReader READER = new SecretReader("integration:7", "sync run");

    final TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
    final MasterKeyset master = MasterKeyset.generate();
    final UUID acme;
    final UUID other;

    interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    VaultFixture() {
        acme = community("acme");
        other = community("other");
    }

    private UUID community(String name) {
        return UUID.fromString(database.one("INSERT INTO posthorn.communities (external_id, name) VALUES ('" + name
                + "', '" + name + "') RETURNING id"));
    }

    Vault vault() {
        return Vault.over(database.dataSource(), master);
    }

    NewSecret secret(String name) {
        return new NewSecret(acme, "gateway", null, name, "", null, null);
    }

    UUID endpoint(UUID community) {
        return UUID.fromString(database.one("INSERT INTO posthorn.webhook_endpoints (community_id, url) VALUES ('"
                + community + "', 'https://example.com/') RETURNING id"));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(SecretValue value) {
        try (value) {
            return new String(value.bytes(), StandardCharsets.UTF_8);
        }
    }

    /** Actions of the audit log about a secret, the oldest first. */
    List<String> audited(UUID secret) {
        return database
                .query("SELECT action FROM posthorn.audit_log WHERE resource_id = '" + secret
                        + "' ORDER BY created_at, id")
                .stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }

    <T> T asService(Work<T> work) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET LOCAL ROLE posthorn_service");
            T result = work.on(connection);
            connection.commit();
            return result;
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
