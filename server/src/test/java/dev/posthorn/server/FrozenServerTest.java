package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.vault.MasterKeyset;
import java.io.IOException;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A node that stands still while it claims. */
class FrozenServerTest {
    private static final String BACKEND =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND ";
    private static final String CLAIMING =
            BACKEND + "wait_event = 'advisory' AND query LIKE '%claim_webhook_deliveries%'";
    private static final String UNDELIVERED =
            "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'";

    private String claiming = "";
    private final String masterKey = MasterKeyset.generate().encoded();

    @Test
    void a_server_frozen_while_it_claims_leaves_no_transaction_open() throws Exception {
        freeze("read committed", "state = 'idle'");
    }

    /** Where a claim is not a statement of its own: a transaction that nobody will commit, whose rows are locked. */
    @Test
    void a_server_frozen_within_a_transaction_does_not_keep_others_from_its_deliveries() throws Exception {
        freeze("repeatable read", "state = 'idle in transaction'");
    }

    private void freeze(String isolation, String left) throws Exception {
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
                TestReceiver receiver = TestReceiver.start()) {
            database.administrate(
                    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L',"
                            + " current_database(), '" + isolation + "'); END $$");
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, '"
                    + receiver.url("/hook") + "' FROM posthorn.communities");
            queue(database, 10);
            try (ServerProcess frozen = freezeWhileClaiming(database)) {
                // Ten deliveries are leased to a node that does not know of it.
                database.await(BACKEND + left + " AND pid = " + claiming, "1");
                try (ServerProcess other = serve(database)) {
                    assertThat(other.output()).contains("ready");
                    database.await(UNDELIVERED, "0");
                    assertThat(database.one(BACKEND + "state = 'idle in transaction' AND pid = " + claiming))
                            .isEqualTo("0");
                    assertThat(receiver.received()).hasSize(10);
                } finally {
                    frozen.thaw();
                }
                // It signs on anew and is as good as before.
                queue(database, 20);
                database.await(UNDELIVERED, "0");
            }
            assertThat(receiver.received()).hasSize(30);
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    /** The claim is held by a lock of ours right after it has locked its deliveries, until the server stands still. */
    private ServerProcess freezeWhileClaiming(TestDatabase database) throws Exception {
        database.administrate("""
                CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_advisory_lock(42); PERFORM pg_advisory_unlock(42); RETURN NULL; END';
                CREATE TRIGGER hold AFTER UPDATE ON posthorn.webhook_deliveries_ready FOR EACH ROW EXECUTE FUNCTION public.hold();
                """);
        try (Connection holder = database.superuser()) {
            TestDatabase.query(holder, "SELECT pg_advisory_lock(42)");
            ServerProcess server = serve(database);
            try {
                database.await(CLAIMING, "1");
                claiming = database.one(CLAIMING.replace("count(*)", "pid"));
                server.freeze();
                return server;
            } catch (InterruptedException | IOException | AssertionError e) {
                server.kill();
                throw e;
            }
        }
    }

    private static void queue(TestDatabase database, int events) {
        database.administrate("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                + " to_jsonb(n)) FROM generate_series(1, " + events + ") AS n");
    }

    private ServerProcess serve(TestDatabase database) throws Exception {
        ServerProcess server = ServerProcess.serve(database, Map.of("POSTHORN_MASTER_KEY", masterKey));
        server.awaitLine("ready", Duration.ofSeconds(60));
        return server;
    }
}
