package dev.posthorn.apikeys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import java.net.InetAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The tables of docs/api-keys.md, in Java and in SQL. */
class TruthTablesTest {
    private static TestDatabase database;

    @BeforeAll
    static void migrate() {
        database = TestDatabase.create(source -> new Migrator(source).migrate());
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @Test
    void scopes_cover_each_other_as_the_table_says() throws SQLException {
        List<List<String>> rows = DocumentedTable.rows("granted", "wanted", "covers");
        assertThat(rows).hasSizeGreaterThan(20);
        for (List<String> row : rows) {
            boolean covers = isYes(row.get(2));
            assertThat(Scopes.covers(row.get(0), row.get(1))).as("Java: " + row).isEqualTo(covers);
            assertThat(ask("SELECT posthorn.permission_matches(?, ?)", row.get(0), row.get(1)))
                    .as("SQL: " + row)
                    .isEqualTo(covers ? "t" : "f");
        }
    }

    @Test
    void networks_let_in_as_the_table_says() throws SQLException {
        List<List<String>> rows = DocumentedTable.rows("allowed_networks", "address", "allowed");
        assertThat(rows).hasSizeGreaterThan(20);
        for (List<String> row : rows) {
            List<String> networks = Arrays.stream(row.get(0).split(",", -1))
                    .map(String::strip)
                    .filter(network -> !network.isEmpty())
                    .toList();
            Optional<InetAddress> address = Network.address(row.get(1));
            assertThat(address.isPresent()).isEqualTo(!row.get(1).equals("unknown"));
            boolean allowed = isYes(row.get(2));
            boolean inOne = address.isPresent()
                    && networks.stream()
                            .anyMatch(network -> Network.parse(network).contains(address.get()));
            assertThat(networks.isEmpty() || inOne).as("Java: " + row).isEqualTo(allowed);
            assertThat(ask(
                            "SELECT posthorn.ip_is_allowed(nullif(?, 'unknown')::inet, string_to_array(?, ',')::inet[])",
                            row.get(1),
                            String.join(",", networks)))
                    .as("SQL: " + row)
                    .isEqualTo(allowed ? "t" : "f");
        }
    }

    @Test
    void a_rate_limit_lets_through_as_the_table_says() throws SQLException {
        String id = ask(
                "SELECT id FROM posthorn.generate_api_key(?, settings => ?::jsonb)",
                "limited",
                "{\"rate_limits\":{\"default\":{\"limit\":3,\"period_seconds\":60}}}");
        Instant start = Instant.parse("2026-03-01T12:00:00Z");
        for (List<String> row : DocumentedTable.rows("second", "cost", "allowed", "left")) {
            database.setClock(start.plusSeconds(Long.parseLong(row.get(0))));
            assertThat(ask(
                            "SELECT concat_ws(' ', allowed, remaining) FROM posthorn.check_api_key_rate_limit(?::uuid, cost => ?::integer)",
                            id,
                            row.get(1)))
                    .as(row.toString())
                    .isEqualTo((isYes(row.get(2)) ? "t " : "f ") + row.get(3));
        }
    }

    @Test
    void whoever_calls_as_fast_as_the_limit_says_is_never_refused_and_whoever_is_refused_pays_nothing()
            throws SQLException {
        String id = ask(
                "SELECT id FROM posthorn.generate_api_key(?, settings => ?::jsonb)",
                "steady",
                "{\"rate_limits\":{\"default\":{\"limit\":3,\"period_seconds\":60}}}");
        Instant start = Instant.parse("2026-03-01T12:00:00Z");
        String draw = "SELECT allowed FROM posthorn.check_api_key_rate_limit(?::uuid, cost => ?::integer)";
        // All at once, then one each 20 seconds for ten periods, and beside each of them calls for more than there is.
        database.setClock(start);
        assertThat(ask(draw, id, "3")).isEqualTo("t");
        for (int call = 1; call <= 30; call++) {
            database.setClock(start.plusSeconds(20L * call + 1));
            assertThat(ask(draw, id, "2")).as("too much before call " + call).isEqualTo("f");
            assertThat(ask(draw, id, "1")).as("call " + call).isEqualTo("t");
            assertThat(ask(draw, id, "3")).as("too much after call " + call).isEqualTo("f");
        }
    }

    private static boolean isYes(String cell) {
        assertThat(cell).isIn("yes", "no");
        return cell.equals("yes");
    }

    private static String ask(String sql, String... arguments) throws SQLException {
        try (Connection connection = database.superuser();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setString(i + 1, arguments[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
