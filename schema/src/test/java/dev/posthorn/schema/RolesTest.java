package dev.posthorn.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may do what, on every supported server that is here. */
class RolesTest {
    private static final String QUEUE =
            "SELECT deliveries FROM posthorn.queue_webhook('ext:acme', 'payment.received', '{\"a\": 1}')";

    static Stream<PostgresServer> servers() {
        return Stream.concat(Stream.of(PostgresServer.embedded()), PostgresServer.fifteen().stream());
    }

    private static TestDatabase prepared(PostgresServer server) {
        TestDatabase database = server.createDatabase(source -> new Migrator(source).migrate());
        database.administrate("""
                DO $$
                BEGIN
                    CREATE ROLE app LOGIN PASSWORD 'app' IN ROLE posthorn_producer;
                    CREATE ROLE node LOGIN PASSWORD 'node' IN ROLE posthorn_service;
                    CREATE ROLE anna LOGIN PASSWORD 'anna' IN ROLE posthorn_member;
                    CREATE ROLE stranger LOGIN PASSWORD 'stranger' IN ROLE posthorn_member;
                    CREATE ROLE nobody_here LOGIN PASSWORD 'nobody_here';
                EXCEPTION WHEN duplicate_object THEN NULL;
                END $$;
                INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme'), ('other', 'Other');
                INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, 'https://example.com/' FROM posthorn.communities;
                INSERT INTO posthorn.memberships (community_id, user_id, role, login_role)
                SELECT id, 'anna@acme', 'admin', 'anna' FROM posthorn.communities WHERE external_id = 'acme';
                """);
        return database;
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_producer_queues_from_its_own_transaction_and_from_a_trigger_and_reads_nothing(PostgresServer server)
            throws SQLException {
        try (TestDatabase database = prepared(server)) {
            database.administrate(
                    "CREATE TABLE public.payments (id int); GRANT INSERT ON public.payments TO app;"
                            + " CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                            + " PERFORM posthorn.queue_webhook('ext:acme', 'payment.received', to_jsonb(NEW)); RETURN NEW; END $$;"
                            + " CREATE TRIGGER tell AFTER INSERT ON public.payments FOR EACH ROW EXECUTE FUNCTION public.tell()");
            try (Connection app = database.dataSource("app").getConnection();
                    Statement statement = app.createStatement()) {
                assertThat(TestDatabase.query(app, QUEUE)).containsExactly(List.of("1"));
                app.setAutoCommit(false);
                statement.execute("INSERT INTO public.payments VALUES (1)");
                app.rollback();
                statement.execute("INSERT INTO public.payments VALUES (2)");
                app.commit();
                app.setAutoCommit(true);
                assertThat(database.one("SELECT count(*) FROM posthorn.webhook_events"))
                        .isEqualTo("2");
                for (String table : List.of(
                        "communities",
                        "webhook_events",
                        "webhook_deliveries",
                        "webhook_endpoints",
                        "vault_secrets",
                        "api_keys")) {
                    assertThat(refusal(app, "SELECT * FROM posthorn." + table))
                            .as(table)
                            .isEqualTo("42501");
                }
                assertThat(refusal(app, "SELECT * FROM posthorn.get_pending_webhooks()"))
                        .isEqualTo("42501");
                assertThat(refusal(app, "SELECT posthorn.store_webhook_events('{}', '{}', '{}', '{}')"))
                        .isEqualTo("42501");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_service_leases_records_and_repairs_across_communities(PostgresServer server) throws SQLException {
        try (TestDatabase database = prepared(server);
                Connection node = database.dataSource("node").getConnection()) {
            TestDatabase.query(node, QUEUE);
            TestDatabase.query(node, QUEUE.replace("acme", "other"));
            List<List<@Nullable String>> leased = TestDatabase.query(
                    node,
                    "SELECT delivery_id, token, attempt, headers ->> 'webhook-id' = event_id::text FROM posthorn.get_pending_webhooks(10, 60)");
            assertThat(leased)
                    .hasSize(2)
                    .allSatisfy(row -> assertThat(row.subList(2, 4)).containsExactly("1", "t"));
            assertThat(TestDatabase.query(node, "SELECT * FROM posthorn.get_pending_webhooks()"))
                    .isEmpty();
            assertThat(result(node, leased.get(0), "status_code => 200")).containsExactly("delivered", "f");
            assertThat(result(node, leased.get(0), "status_code => 500")).containsExactly("delivered", "t");
            assertThat(result(node, leased.get(1), "status_code => 410")).containsExactly("failed", "f");
            assertThat(TestDatabase.query(
                            node,
                            "SELECT status, parked, max_attempts FROM posthorn.retry_dead_letter('"
                                    + leased.get(1).get(0) + "')"))
                    .containsExactly(List.of("retrying", "f", "4"));
            assertThat(TestDatabase.query(
                            node,
                            "SELECT attempt FROM posthorn.process_webhook_delivery('"
                                    + leased.get(1).get(0) + "', 30)"))
                    .containsExactly(List.of("2"));
            assertThat(refusal(
                            node,
                            "SELECT * FROM posthorn.process_webhook_delivery('"
                                    + leased.get(1).get(0) + "')"))
                    .isEqualTo("PH007");
            assertThat(refusal(node, "SELECT * FROM posthorn.process_webhook_delivery('" + UUID.randomUUID() + "')"))
                    .isEqualTo("PH006");
            assertThat(refusal(
                            node,
                            "SELECT * FROM posthorn.record_webhook_result('"
                                    + leased.get(1).get(0) + "', 'nonsense', 200)"))
                    .isEqualTo("PH009");
            assertThat(TestDatabase.query(node, "SELECT * FROM posthorn.check_invariants()"))
                    .isEmpty();
            assertThat(refusal(node, "DELETE FROM posthorn.webhook_events")).isEqualTo("42501");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void an_admin_sees_and_changes_the_community_of_the_login_and_no_other(PostgresServer server) throws SQLException {
        try (TestDatabase database = prepared(server);
                Connection anna = database.dataSource("anna").getConnection()) {
            assertThat(TestDatabase.query(anna, QUEUE)).containsExactly(List.of("1"));
            assertThat(refusal(anna, QUEUE.replace("acme", "other"))).isEqualTo("42501");
            assertThat(TestDatabase.query(anna, "SELECT external_id FROM posthorn.communities"))
                    .containsExactly(List.of("acme"));
            assertThat(TestDatabase.query(anna, "SELECT count(*) FROM posthorn.webhook_endpoints"))
                    .containsExactly(List.of("1"));
            assertThat(TestDatabase.query(anna, "SELECT status FROM posthorn.webhook_deliveries"))
                    .containsExactly(List.of("pending"));
            assertThat(
                            TestDatabase.query(
                                    anna,
                                    "UPDATE posthorn.webhook_endpoints SET enabled = false; SELECT state FROM posthorn.webhook_endpoint_status"))
                    .containsExactly(List.of("disabled"));
            assertThat(TestDatabase.query(anna, "SELECT pending, parked FROM posthorn.webhook_delivery_stats"))
                    .containsExactly(List.of("0", "1"));
            String foreign = database.one(
                    "SELECT e.id FROM posthorn.webhook_endpoints AS e JOIN posthorn.communities AS c ON c.id = e.community_id"
                            + " WHERE c.external_id = 'other'");
            assertThat(refusal(anna, "SELECT posthorn.disable_webhook_endpoint('" + foreign + "')"))
                    .isEqualTo("PH006");
            assertThat(refusal(anna, "SELECT posthorn.disable_webhook_endpoint('" + UUID.randomUUID() + "')"))
                    .isEqualTo("PH006");
            assertThat(refusal(
                            anna,
                            "INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT community_id, 'https://example.com/' FROM"
                                    + " (SELECT '"
                                    + database.one("SELECT id FROM posthorn.communities WHERE external_id = 'other'")
                                    + "'::uuid AS community_id) AS c"))
                    .isEqualTo("42501");
            assertThat(refusal(anna, "SELECT * FROM posthorn.vault_secret_versions"))
                    .isEqualTo("42501");
            assertThat(refusal(anna, "SELECT reference FROM posthorn.vault_secrets"))
                    .isEqualTo("42501");
            assertThat(TestDatabase.query(anna, "SELECT name FROM posthorn.vault_secret_summary"))
                    .isEmpty();
            // The login is bound, so a setting changes nothing.
            assertThat(TestDatabase.query(anna, "SET posthorn.user_id = 'root'; SELECT posthorn.current_user_id()"))
                    .containsExactly(List.of("anna@acme"));
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_stranger_who_sets_the_settings_himself_sees_nothing(PostgresServer server) throws SQLException {
        try (TestDatabase database = prepared(server);
                Connection stranger = database.dataSource("stranger").getConnection();
                Connection outsider = database.dataSource("nobody_here").getConnection()) {
            String community = database.one("SELECT id FROM posthorn.communities WHERE external_id = 'acme'");
            TestDatabase.query(
                    stranger,
                    "SELECT set_config('posthorn.user_id', 'anna@acme', false), set_config('posthorn.community_id', '"
                            + community
                            + "', false), set_config('posthorn.scopes', '*', false), set_config('request.jwt.claims', '{\"sub\": \"anna@acme\"}', false)");
            for (String table : List.of(
                    "communities",
                    "memberships",
                    "webhook_endpoints",
                    "webhook_events",
                    "webhook_deliveries",
                    "webhook_attempts")) {
                assertThat(TestDatabase.query(stranger, "SELECT * FROM posthorn." + table))
                        .as(table)
                        .isEmpty();
            }
            assertThat(TestDatabase.query(
                            stranger, "SELECT posthorn.has_permission('webhooks:read', '" + community + "')"))
                    .containsExactly(List.of("f"));
            assertThat(refusal(stranger, QUEUE)).isEqualTo("42501");
            assertThat(refusal(outsider, QUEUE)).isEqualTo("42501");
        }
    }

    @ParameterizedTest
    @MethodSource("servers")
    void a_node_acts_for_a_key_within_its_community_and_scopes(PostgresServer server) throws SQLException {
        try (TestDatabase database = prepared(server);
                Connection node = database.dataSource("node").getConnection()) {
            String community = database.one("SELECT id FROM posthorn.communities WHERE external_id = 'acme'");
            node.setAutoCommit(false);
            database.administrate("GRANT posthorn_member TO node");
            TestDatabase.query(
                    node,
                    "SET LOCAL ROLE posthorn_member; SELECT set_config('posthorn.community_id', '" + community
                            + "', true), set_config('posthorn.scopes', 'webhooks:read', true)");
            assertThat(TestDatabase.query(node, "SELECT count(*) FROM posthorn.webhook_endpoints"))
                    .containsExactly(List.of("1"));
            assertThat(refusal(node, QUEUE)).isEqualTo("42501");
            node.rollback();
        }
    }

    private static List<@Nullable String> result(Connection connection, List<@Nullable String> leased, String how)
            throws SQLException {
        return TestDatabase.query(
                        connection,
                        "SELECT status, superseded FROM posthorn.record_webhook_result('" + leased.get(0) + "', '"
                                + leased.get(1) + "', " + how + ")")
                .get(0);
    }

    /** The SQLSTATE with which a statement is refused. */
    private static String refusal(Connection connection, String sql) {
        try {
            TestDatabase.query(connection, sql);
        } catch (SQLException e) {
            return e.getSQLState();
        }
        throw new AssertionError("was not refused: " + sql);
    }
}
