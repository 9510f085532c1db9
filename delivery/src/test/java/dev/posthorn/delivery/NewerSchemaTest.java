package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.schema.SchemaException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A rolling upgrade: the schema has been migrated by a newer version, and nodes of this one still run. */
class NewerSchemaTest {
    private static final String NEXT_VERSION = """
                ALTER TABLE posthorn.webhook_deliveries ADD COLUMN added text;
                ALTER TABLE posthorn.webhook_endpoints ADD COLUMN added text NOT NULL DEFAULT '';
                ALTER TABLE posthorn.dispatchers ADD COLUMN added text;
                CREATE OR REPLACE FUNCTION posthorn.schema_version() RETURNS integer
                    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 1000;
                DO $$
                DECLARE
                    source text := pg_get_functiondef('posthorn.sweep_webhook_lanes()'::regprocedure);
                BEGIN
                    DROP FUNCTION posthorn.sweep_webhook_lanes();
                    EXECUTE replace(replace(source, 'head bigint)', 'head bigint, added text)'),
                                    'SELECT l.lane, l.position FROM lanes AS l', 'SELECT l.lane, l.position, NULL::text FROM lanes AS l');
                    GRANT EXECUTE ON FUNCTION posthorn.sweep_webhook_lanes() TO posthorn_service;
                END
                $$;
                """;

    private final EngineFixture world = new EngineFixture();

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void nodes_go_on_through_a_migration_that_serves_them_and_new_ones_start() throws Exception {
        String endpoint = world.endpoint("/hook", ", max_in_flight", ", 64");
        try (DeliveryEngine started = world.engine().build()) {
            try (DeliveryEngine running = world.engine().build()) {
                running.start();
                queueMany(200);
                migrate();
                queueMany(200);
                started.start();
                queueMany(200);
                world.awaitStatus(endpoint, "delivered:600");
            }
            queueMany(200);
            world.awaitStatus(endpoint, "delivered:800");
        }
        assertThat(world.receiver.received()).as("nothing was sent twice").hasSize(800);
        assertThat(world.invariants()).isEmpty();
    }

    @Test
    void a_node_that_is_no_longer_served_stops_and_says_so() throws Exception {
        String endpoint = world.endpoint("/hook");
        try (DeliveryEngine running = world.engine().build();
                DeliveryEngine late = world.engine().build()) {
            running.start();
            queueMany(1);
            world.awaitStatus(endpoint, "delivered:1");
            migrate();
            world.database.administrate("CREATE OR REPLACE FUNCTION posthorn.serves_since() RETURNS integer"
                    + " LANGUAGE sql IMMUTABLE AS 'SELECT posthorn.schema_version()'");
            EngineFixture.awaitTrouble(running, "update this node");
            queueMany(1);
            assertThatThrownBy(late::start).isInstanceOf(SchemaException.class);
            world.awaitStatus(endpoint, "delivered:1 pending:1");
        }
    }

    /**
     * As the next version may: new columns, a new function in the place of one with the same arguments and one result more. Whoever migrates
     * while nodes run may be the one whom PostgreSQL picks of two that wait for each other, and does it again.
     */
    private void migrate() {
        for (int attempt = 1; ; attempt++) {
            try {
                world.database.administrate(NEXT_VERSION);
                return;
            } catch (IllegalStateException e) {
                if (attempt == 10 || !String.valueOf(e.getMessage()).contains("deadlock detected")) {
                    throw e;
                }
            }
        }
    }

    private void queueMany(int events) {
        world.database.administrate(
                "SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(n))"
                        + " FROM generate_series(1, " + events + ") AS n");
    }
}
