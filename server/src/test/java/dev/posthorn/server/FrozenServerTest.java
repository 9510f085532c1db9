package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.vault.MasterKeyset;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A node that stands still in the middle of a transaction. */
class FrozenServerTest {
    private static final String BACKENDS =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'posthorn' AND ";
    private static final String CLAIMING =
            BACKENDS + "wait_event_type = 'Lock' AND query LIKE '%claim_webhook_deliveries%'";
    private static final String LEFT_OPEN = BACKENDS + "state = 'idle in transaction'";
    private static final String UNDELIVERED =
            "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'";

    private final String masterKey = MasterKeyset.generate().encoded();

    @Test
    void a_server_frozen_while_it_claims_does_not_keep_others_from_its_deliveries() throws Exception {
        try (TestDatabase database = TestDatabase.create();
                TestReceiver receiver = TestReceiver.start()) {
            new Migrator(database.dataSource()).migrate();
            database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme');"
                    + " INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, '"
                    + receiver.url("/hook") + "' FROM posthorn.communities");
            queue(database, 10);
            try (ServerProcess frozen = freezeWhileClaiming(database)) {
                // Ten deliveries are leased in a transaction that nobody will commit; their rows are locked.
                await(database, LEFT_OPEN, "1");
                try (ServerProcess other = serve(database)) {
                    assertThat(other.output()).contains("ready");
                    await(database, UNDELIVERED, "0");
                    assertThat(database.one(LEFT_OPEN)).isEqualTo("0");
                    assertThat(receiver.received()).hasSize(10);
                } finally {
                    frozen.thaw();
                }
                // It signs on anew and is as good as before.
                queue(database, 20);
                await(database, UNDELIVERED, "0");
            }
            assertThat(receiver.received()).hasSize(30);
            assertThat(database.query("SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
        }
    }

    /** A claim reads its events after it has locked its deliveries: there it is held until the server stands still. */
    private ServerProcess freezeWhileClaiming(TestDatabase database) throws Exception {
        try (Connection holder = database.superuser()) {
            holder.setAutoCommit(false);
            TestDatabase.query(holder, "SELECT count(*) FROM posthorn.webhook_events");
            try (var statement = holder.createStatement()) {
                statement.execute("LOCK TABLE posthorn.webhook_events IN ACCESS EXCLUSIVE MODE");
            }
            ServerProcess server = serve(database);
            await(database, CLAIMING, "1");
            server.freeze();
            holder.rollback();
            return server;
        }
    }

    private static void await(TestDatabase database, String query, String answer) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
        while (!database.one(query).equals(answer)) {
            assertThat(System.nanoTime()).as(query).isLessThan(end);
            new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS);
        }
    }

    private static void queue(TestDatabase database, int events) {
        database.administrate("SET ROLE posthorn_service; SELECT posthorn.queue_webhook('ext:acme', 'payment.received',"
                + " to_jsonb(n)) FROM generate_series(1, " + events + ") AS n");
    }

    private ServerProcess serve(TestDatabase database) throws Exception {
        ServerProcess server = ServerProcess.start(
                Map.of(
                        "DATABASE_URL",
                        "postgres://" + PostgresServer.OWNER + ":" + PostgresServer.PASSWORD + "@127.0.0.1:"
                                + database.server().port() + "/" + database.name(),
                        "POSTHORN_MASTER_KEY",
                        masterKey,
                        "POSTHORN_ALLOWED_NETWORKS",
                        "127.0.0.0/8"),
                "serve",
                "--port",
                "0");
        server.awaitLine("ready", Duration.ofSeconds(60));
        return server;
    }
}
