package dev.posthorn.integrations;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** A migrated database with a community, and engines with the connectors that a test gives. */
final class IntegrationFixture implements AutoCloseable {
    final TestDatabase database = TestDatabase.create();
    final UUID community = UUID.randomUUID();
    final Map<UUID, Credentials> vault = new ConcurrentHashMap<>();

    IntegrationFixture() {
        new Migrator(database.dataSource()).migrate();
        database.setClock(Instant.parse("2026-03-02T10:00:00Z"));
        database.administrate("INSERT INTO posthorn.communities (id, name) VALUES ('" + community + "', 'Lindenhof')");
    }

    IntegrationEngine engine(Connector... connectors) {
        return IntegrationEngine.builder(database.dataSource(), this::credentials)
                .connectors(Connectors.of(List.of(connectors)))
                .addresses(AddressPolicy.allowing(List.of("127.0.0.1/32")))
                .build();
    }

    private Credentials credentials(UUID owner, UUID secret) throws ConnectorException {
        Credentials found = vault.get(secret);
        if (found == null || !owner.equals(community)) {
            throw new ConnectorException(Failure.CREDENTIALS, "there are no credentials");
        }
        return found;
    }

    UUID secret(String name, String value) {
        UUID id = UUID.randomUUID();
        vault.put(id, Credentials.of(Map.of(name, value)));
        return id;
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
                "SELECT coalesce(string_agg(event_type, ' ' ORDER BY id), '') FROM posthorn.webhook_events");
    }

    @Override
    public void close() {
        database.close();
    }
}
