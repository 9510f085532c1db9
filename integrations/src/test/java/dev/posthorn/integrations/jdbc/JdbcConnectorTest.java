package dev.posthorn.integrations.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.ConnectorFixture;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.testkit.PasswordLogin;
import dev.posthorn.testkit.TestDatabase;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

class JdbcConnectorTest {
    private static TestDatabase database;
    private static PasswordLogin reader;
    private ConnectorFixture connector;

    @BeforeAll
    static void prepare() throws IOException {
        database = TestDatabase.create();
        reader = PasswordLogin.on(database);
    }

    @AfterAll
    static void drop() {
        reader.close();
        database.close();
    }

    @BeforeEach
    void start() {
        connector = connector("127.0.0.1/32:" + database.server().port());
        database.administrate("""
                DROP TABLE IF EXISTS payment, hidden;
                CREATE TABLE payment (id bigint PRIMARY KEY, amount numeric NOT NULL, changed timestamptz NOT NULL);
                CREATE TABLE hidden (id bigint);
                GRANT SELECT ON payment TO %s""".formatted(reader.name()));
    }

    @AfterEach
    void stop() {
        connector.close();
    }

    @Test
    void every_type_keeps_its_value() throws Exception {
        assertThat(run("""
                SELECT 1 AS id, 12.500 AS amount, 1e20::numeric AS big, 'NaN'::numeric AS nan, 9007199254740993::bigint AS long,
                       0.1::float8 AS float, 'Infinity'::float8 AS endless, true AS yes, NULL::text AS nothing, 'Grüße' AS text,
                       DATE '2026-11-24' AS day, TIMESTAMP '2026-11-24 08:00:00.123456' AS local,
                       TIMESTAMPTZ '2026-11-24 08:00:00.123456+01' AS instant, 'infinity'::timestamptz AS never,
                       TIME '08:30' AS clock, INTERVAL '1 day 2 hours' AS span,
                       '{"a": 1.50, "b": [true, null]}'::jsonb AS json, '\\x00ff'::bytea AS bytes,
                       ARRAY[1.10, 2.20] AS decimals, ARRAY['a', NULL, 'c'] AS texts, ARRAY[ARRAY[1, 2], ARRAY[3, 4]] AS matrix,
                       ARRAY[TIMESTAMPTZ '2026-11-24 08:00:00+01'] AS instants, ARRAY['{"x": 1}'::jsonb] AS jsons,
                       '0190b5a0-0000-7000-8000-000000000001'::uuid AS uuid, ARRAY[true, false] AS flags,
                       ARRAY[DATE '2026-11-24'] AS days""")).isEmpty();
        // As text, because 1.50 and 1.5 are one number to a parser.
        assertThat(connector.saved("row").get(0)).hasToString("""
                {"id":1,"amount":"12.500","big":"100000000000000000000","nan":"NaN","long":9007199254740993,\
                "float":0.1,"endless":"Infinity","yes":true,"nothing":null,"text":"Grüße",\
                "day":"2026-11-24","local":"2026-11-24T08:00:00.123456",\
                "instant":"2026-11-24T07:00:00.123456Z","never":"infinity",\
                "clock":"08:30:00","span":"1 day 02:00:00",\
                "json":{"a":1.50,"b":[true,null]},"bytes":"AP8=",\
                "decimals":["1.10","2.20"],"texts":["a",null,"c"],"matrix":[[1,2],[3,4]],\
                "instants":["2026-11-24T07:00:00Z"],"jsons":[{"x":1}],\
                "uuid":"0190b5a0-0000-7000-8000-000000000001","flags":[true,false],\
                "days":["2026-11-24"]}""");
    }

    @Test
    void a_growing_column_yields_what_is_new_and_equal_values_are_not_lost() throws Exception {
        // Ten rows of each moment, so that every batch of three ends within one.
        database.administrate("""
                INSERT INTO payment SELECT i, i / 100.0, TIMESTAMPTZ '2026-11-24 08:00Z' + (i / 10) * INTERVAL '1 microsecond'
                FROM generate_series(1, 95) i""");
        String more = "\"cursor_column\": \"changed\", \"fetch_size\": 3";
        connector.runAndDieAfter(2, configuration("SELECT * FROM payment", more));
        assertThat(connector.saved("row")).hasSize(6);
        assertThat(run("SELECT * FROM payment", more)).isEmpty();
        assertThat(connector.saved("row")).hasSize(95);
        assertThat(connector.batches().stream().mapToInt(Integer::intValue).sum())
                .isEqualTo(95);

        database.administrate("UPDATE payment SET amount = 7, changed = now() WHERE id = 3");
        int batches = connector.batches().size();
        assertThat(run("SELECT * FROM payment", more)).isEmpty();
        assertThat(connector.batches().subList(batches, connector.batches().size()))
                .containsExactly(1);
    }

    @Test
    void an_overlap_finds_what_was_committed_late() throws Exception {
        database.administrate("INSERT INTO payment VALUES (1, 1, '2026-11-24 08:00:10Z')");
        String more = "\"cursor_column\": \"changed\", \"overlap_seconds\": 60";
        assertThat(run("SELECT * FROM payment", more)).isEmpty();
        database.administrate("INSERT INTO payment VALUES (2, 1, '2026-11-24 08:00:05Z')");
        assertThat(run("SELECT * FROM payment", more)).isEmpty();
        assertThat(connector.ids("row")).containsExactly("1", "2");
    }

    @Test
    void without_a_growing_column_all_rows_come_each_time() throws Exception {
        database.administrate("INSERT INTO payment SELECT i, 1, now() FROM generate_series(1, 7) i");
        assertThat(run("SELECT * FROM payment", "\"fetch_size\": 3")).isEmpty();
        assertThat(run("SELECT * FROM payment", "\"fetch_size\": 3")).isEmpty();
        assertThat(connector.batches()).containsExactly(3, 3, 1, 3, 3, 1);
        connector.runAndDieAfter(1, configuration("SELECT * FROM payment", "\"fetch_size\": 3"));
        assertThat(run("SELECT * FROM payment", "\"fetch_size\": 3")).isEmpty();
        assertThat(connector.batches().subList(6, 9)).containsExactly(3, 3, 1);
    }

    @Test
    void a_large_table_is_read_piece_by_piece() throws Exception {
        // Some 400 MB, which no test here has the memory for at once.
        assertThat(run(
                        "SELECT i AS id, repeat('x', 20000) AS text FROM generate_series(1, 20000) i",
                        "\"fetch_size\": 50, \"record_type\": \"large\"",
                        false))
                .isEmpty();
    }

    @Test
    void nothing_is_written() throws Exception {
        database.administrate(
                "GRANT INSERT, DELETE ON payment TO " + reader.name() + "; INSERT INTO payment VALUES (1, 1, now())");
        database.administrate("""
                CREATE OR REPLACE FUNCTION empty_payment() RETURNS bigint LANGUAGE sql VOLATILE AS
                    'WITH gone AS (DELETE FROM payment RETURNING id) SELECT count(*) FROM gone'""");
        for (String query : List.of(
                "DELETE FROM payment RETURNING id",
                "WITH gone AS (DELETE FROM payment RETURNING id) SELECT * FROM gone",
                "SELECT empty_payment() AS id",
                "SELECT 1 AS id; DELETE FROM payment",
                "SELECT 1 AS id) q; COMMIT; DELETE FROM payment; SELECT * FROM (SELECT 1 AS id",
                "SELECT set_config('transaction_read_only', 'off', true) AS id, empty_payment()",
                "COPY payment TO PROGRAM 'true'")) {
            ConnectorException failure = run(query).orElseThrow();
            assertThat(failure.failure()).as(query + ": " + failure.sentence()).isEqualTo(Failure.CONFIGURATION);
            assertThat(database.one("SELECT count(*) FROM payment")).isEqualTo("1");
        }
    }

    @Test
    void a_query_may_end_in_a_comment_or_a_semicolon() throws Exception {
        assertThat(run("SELECT 1 AS id -- one")).isEmpty();
        assertThat(run("SELECT ';' AS id;")).isEmpty();
        assertThat(connector.ids("row")).containsExactly("1", ";");
    }

    @Test
    void failures_say_who_must_act() throws Exception {
        assertFails("SELECT * FROM hidden", Failure.PERMISSION, "hidden");
        assertFails("SELECT * FROM gone_table", Failure.SCHEMA_DRIFT, "gone_table");
        assertFails("SELECT id, gone_column FROM payment", Failure.SCHEMA_DRIFT, "gone_column");
        assertFails("SELECT amount FROM payment", Failure.SCHEMA_DRIFT, "\"id\"");
        assertFails("SELEC 1", Failure.CONFIGURATION, "syntax error");
        assertFails("SELECT 1 AS id, 2 AS id", Failure.CONFIGURATION, "two columns \"id\"");
        assertFails("SELECT 1 / 0 AS id", Failure.CONFIGURATION, "22012");
    }

    @Test
    void a_query_that_takes_too_long_is_stopped() throws Exception {
        ConnectorException failure =
                run("SELECT 1 AS id, pg_sleep(60)", "\"timeout_seconds\": 1").orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.UNAVAILABLE);
        assertThat(failure.sentence()).contains("1 s").contains("timeout_seconds");
    }

    @Test
    void a_wrong_password_and_an_unknown_database_are_said_to_be_that() throws Exception {
        String configuration = configuration("SELECT 1 AS id", "");
        assertThat(connector.run(configuration.replace(database.name(), "nowhere")))
                .map(ConnectorException::failure)
                .contains(Failure.CONFIGURATION);
        connector.credential("password", "wrong");
        ConnectorException failure = connector.run(configuration).orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.CREDENTIALS);
        assertThat(failure.sentence()).contains(reader.name()).doesNotContain("wrong\"");
    }

    @Test
    void an_address_that_the_operator_does_not_allow_is_not_connected_to() throws Exception {
        try (ConnectorFixture elsewhere = connector()) {
            assertThat(elsewhere.run(configuration("SELECT 1 AS id", "")))
                    .map(ConnectorException::failure)
                    .contains(Failure.ADDRESS_REFUSED);
        }
    }

    @Test
    void a_server_without_tls_is_not_trusted_unless_that_is_said() throws Exception {
        String configuration = configuration("SELECT 1 AS id", "").replace("\"disable\"", "\"verify-full\"");
        ConnectorException failure = connector.run(configuration).orElseThrow();
        assertThat(failure.failure()).isEqualTo(Failure.UNTRUSTED);
        assertThat(failure.sentence()).contains("offers no TLS");
    }

    @Test
    void a_connection_that_is_lost_is_the_networks_or_the_servers_fault() throws Exception {
        Optional<ConnectorException> failure =
                run("SELECT i AS id, pg_terminate_backend(pg_backend_pid()) FROM generate_series(1, 9) i");
        assertThat(failure).map(one -> one.failure().personMustAct()).contains(false);
    }

    @Test
    void rows_without_an_id_or_a_place_are_rejected() throws Exception {
        String query = "SELECT * FROM (VALUES (1, 5), (NULL, 6), (2, NULL)) v(id, at)";
        assertThat(run(query, "\"cursor_column\": \"at\"")).isEmpty();
        assertThat(connector.ids("row")).containsExactly("1");
        assertThat(connector.rejected()).hasSize(2).anyMatch(one -> one.reason().contains("NULL"));
    }

    @Test
    void parameters_other_than_the_listed_ones_are_refused() throws Exception {
        Optional<ConnectorException> failure =
                run("SELECT 1 AS id", "\"parameters\": {\"socketFactory\": \"org.example.Evil\"}");
        assertThat(failure).map(ConnectorException::failure).contains(Failure.CONFIGURATION);
        assertThat(run(
                        "SELECT current_setting('application_name') AS id",
                        "\"parameters\": {\"application_name\": \"books\"}"))
                .isEmpty();
        assertThat(connector.ids("row")).containsExactly("books");
    }

    @Test
    void nothing_in_a_database_name_becomes_a_parameter() throws Exception {
        String configuration = configuration("SELECT 1 AS id", "")
                .replace(database.name(), database.name() + "?user=postgres&socketFactory=x");
        assertThat(connector.run(configuration))
                .map(ConnectorException::failure)
                .contains(Failure.CONFIGURATION);
    }

    @Test
    void the_name_of_a_file_is_no_certificate() throws Exception {
        String configuration = configuration("SELECT 1 AS id", "\"ca_certificate\": \"file:/etc/passwd\"")
                .replace("\"disable\"", "\"verify-ca\"");
        assertThat(connector.run(configuration))
                .map(ConnectorException::failure)
                .contains(Failure.CONFIGURATION);
    }

    @Test
    void check_does_not_run_the_query() throws Exception {
        connector.check(configuration("SELECT 1 AS id, pg_sleep(3600)", ""));
        assertThat(connector.log()).contains("the query yields id, pg_sleep");
    }

    private void assertFails(String query, Failure expected, String named) throws InterruptedException {
        ConnectorException failure = run(query).orElseThrow();
        assertThat(failure.failure()).as(query).isEqualTo(expected);
        assertThat(failure.sentence()).as(query).contains(named);
    }

    private Optional<ConnectorException> run(String query) throws InterruptedException {
        return run(query, "");
    }

    private Optional<ConnectorException> run(String query, String more) throws InterruptedException {
        return run(query, more, true);
    }

    private Optional<ConnectorException> run(String query, String more, boolean keep) throws InterruptedException {
        return connector.run(configuration(query, more), keep);
    }

    private static ConnectorFixture connector(String... allowed) {
        return new ConnectorFixture(new JdbcConnector(), allowed).credential("password", reader.password());
    }

    private static String configuration(String query, String more) {
        ObjectNode configuration = (ObjectNode) ConnectorFixture.JSON.readTree("{" + more + "}");
        configuration
                .put("host", "127.0.0.1")
                .put("port", database.server().port())
                .put("database", database.name())
                .put("username", reader.name())
                .put("query", query);
        if (!configuration.has("tls")) {
            configuration.put("tls", "disable");
        }
        JsonNode whole = configuration;
        return whole.toString();
    }
}
