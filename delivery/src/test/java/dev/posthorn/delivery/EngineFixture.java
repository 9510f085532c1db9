package dev.posthorn.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.vault.MasterKeyset;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A migrated database with one community, a receiver, and engines on both. */
final class EngineFixture implements AutoCloseable {
    private static final long MINUTE_NANOS = 60_000_000_000L;
    static final AddressPolicy LOOPBACK = AddressPolicy.allowing(List.of("127.0.0.0/8"));

    final TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
    final TestReceiver receiver = TestReceiver.start();
    final MasterKeyset masterKey = MasterKeyset.generate();

    EngineFixture() {
        database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme')");
    }

    DeliveryEngine.Builder engine() {
        return DeliveryEngine.builder(database.dataSource(), masterKey)
                .ownConnections(database.dataSource())
                .addresses(LOOPBACK);
    }

    /** Adds an endpoint; further columns and their values as SQL. Returns its id. */
    String endpoint(String path, String columns, String values) {
        return database.one("INSERT INTO posthorn.webhook_endpoints (community_id, url" + columns + ") SELECT id, '"
                + receiver.url(path) + "'" + values + " FROM posthorn.communities RETURNING id");
    }

    String endpoint(String path) {
        return endpoint(path, "", "");
    }

    /** Queues by SQL, as an application would; returns the event's id. */
    String queue(String type, String payload) {
        return database.one("SET ROLE posthorn_service; SELECT event_id FROM posthorn.queue_webhook('ext:acme', '"
                + type + "', '" + payload + "')");
    }

    String status(String endpoint) {
        return database.one(
                "SELECT string_agg(status || ':' || n, ' ' ORDER BY status::text) FROM (SELECT CASE WHEN parked_at IS NULL THEN"
                        + " status::text ELSE 'parked ' || status END AS status, count(*) AS n FROM posthorn.webhook_deliveries WHERE endpoint_id = '"
                        + endpoint + "' GROUP BY 1) AS s");
    }

    /** Waits until {@link #status} says so; fails where nothing has changed for a minute. */
    void awaitStatus(String endpoint, String status) throws InterruptedException {
        String seen = status(endpoint);
        long since = System.nanoTime();
        while (!seen.equals(status)) {
            new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS);
            String now = status(endpoint);
            if (now.equals(seen)) {
                assertThat(System.nanoTime() - since).as("still " + now).isLessThan(MINUTE_NANOS);
            } else {
                seen = now;
                since = System.nanoTime();
            }
        }
    }

    /** Waits until a node says what is wrong with it, beginning or ending so. */
    static void awaitTrouble(DeliveryEngine engine, String says) {
        Eventually.until(
                "it says \"" + says + "\"",
                () -> engine.trouble()
                        .filter(told -> told.startsWith(says) || told.endsWith(says))
                        .isPresent());
    }

    List<List<@Nullable String>> invariants() {
        return database.query("SELECT * FROM posthorn.check_invariants()");
    }

    /** Lets every sweep hang, and waits until one does. */
    void hangSweeps(Connection holder) throws SQLException {
        TestDatabase.query(holder, "SELECT pg_advisory_lock(7)::text");
        database.administrate("""
                CREATE OR REPLACE FUNCTION posthorn.sweep_webhook_lanes() RETURNS TABLE (lane uuid, head bigint)
                    LANGUAGE plpgsql SECURITY DEFINER
                    SET search_path = pg_catalog, posthorn, pg_temp
                AS $$
                BEGIN
                    PERFORM pg_advisory_xact_lock(7);
                END
                $$
                """);
        Eventually.until(
                "a sweep hangs",
                () -> !database.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                        .isEmpty());
    }

    /** Ends what {@link #hangSweeps} began; a sweep finds nothing any more. */
    void letSweepsGo(Connection holder) throws SQLException {
        TestDatabase.query(holder, "SELECT pg_advisory_unlock(7)::text");
    }

    @Override
    public void close() {
        receiver.close();
        database.close();
    }
}
