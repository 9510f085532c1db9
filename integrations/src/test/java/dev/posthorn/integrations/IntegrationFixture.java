package dev.posthorn.integrations;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.vault.MasterKeyset;
import dev.posthorn.vault.NewSecret;
import dev.posthorn.vault.SecretAuthor;
import dev.posthorn.vault.Vault;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A migrated database with a community, and engines with the connectors that a test gives. */
final class IntegrationFixture implements AutoCloseable {
    private static final MasterKeyset MASTER = MasterKeyset.generate();
    private static @Nullable TestDatabase shared;

    final TestDatabase database = shared();
    final UUID community = UUID.randomUUID();
    final Vault vault = Vault.over(database.dataSource(), MASTER);

    /** Migrated once for all tests; each has a community of its own, and time only goes forward. */
    private static synchronized TestDatabase shared() {
        TestDatabase present = shared;
        if (present == null) {
            present = TestDatabase.create();
            new Migrator(present.dataSource()).migrate();
            present.setClock(Instant.parse("2026-03-02T10:00:00Z"));
            shared = present;
        }
        return present;
    }

    IntegrationFixture() {
        database.administrate("INSERT INTO posthorn.communities (id, name) VALUES ('" + community + "', 'Lindenhof')");
    }

    IntegrationEngine engine(Connector... connectors) {
        return IntegrationEngine.builder(database.dataSource(), new VaultCredentials(vault))
                .connectors(Connectors.of(List.of(connectors)))
                .addresses(AddressPolicy.allowing(List.of("127.0.0.1/32")))
                .build();
    }

    UUID secret(String name, String value) {
        return vault.create(
                        new NewSecret(community, "integration", null, name, "", List.of(name), null),
                        ("{\"" + name + "\":\"" + value + "\"}").getBytes(StandardCharsets.UTF_8),
                        SecretAuthor.of("test"))
                .id();
    }

    /** One value; {@code :c} stands for the community. */
    String one(String sql) {
        return database.one(sql.replace(":c", "'" + community + "'"));
    }

    /** Settings as SQL, such as {@code interval_seconds => 60}; the connector is {@code scripted} unless they say otherwise. */
    UUID integration(String columns, String values) {
        return UUID.fromString(database.one("INSERT INTO posthorn.integration_configs (community_id, name, connector"
                + (columns.isEmpty() ? "" : ", " + columns) + ") VALUES ('" + community + "', 'Bank', 'scripted'"
                + (values.isEmpty() ? "" : ", " + values) + ") RETURNING id"));
    }

    UUID start(UUID integration) {
        return UUID.fromString(database.one("SELECT posthorn.start_sync_run('" + integration + "')"));
    }

    /** Status and counts: read, created, updated, unchanged, deleted, rejected. */
    String counts(UUID run) {
        return database.one(
                "SELECT concat_ws(' ', status, records_read, records_created, records_updated, records_unchanged,"
                        + " records_deleted, records_rejected) FROM posthorn.integration_sync_logs WHERE id = '" + run
                        + "'");
    }

    String last(UUID integration) {
        return database.one("SELECT id FROM posthorn.integration_sync_logs WHERE integration_id = '" + integration
                + "' ORDER BY id DESC LIMIT 1");
    }

    String health(UUID integration) {
        return database.one(
                "SELECT health FROM posthorn.integration_status WHERE integration_id = '" + integration + "'");
    }

    /** Types of all events, in their order, joined by blanks. */
    String events() {
        return database.one(
                "SELECT coalesce(string_agg(event_type, ' ' ORDER BY created_at, event_type), '') FROM posthorn.webhook_events"
                        + " WHERE community_id = '" + community + "'");
    }

    @Override
    public void close() {
        vault.close();
        database.administrate(
                "UPDATE posthorn.integration_configs SET deleted_at = posthorn.clock_now() WHERE community_id = '"
                        + community + "'");
    }
}
