package dev.posthorn.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The admin of one community tries everything that the schema offers with the ids of another one, and hears what he would hear of an id
 * that does not exist. What there is to try is read from the catalog, so that nobody can add something and forget it here.
 */
class TenantAttackTest {
    private static TestDatabase database;
    private static Connection mallory;
    private static String mine;
    private static String theirs;
    private static final Map<String, String> THEIR_IDS = new LinkedHashMap<>();

    @BeforeAll
    static void furnish() throws SQLException {
        database = TestDatabase.create();
        new Migrator(database.dataSource()).migrate();
        database.administrate("""
                DO $$ BEGIN CREATE ROLE mallory LOGIN PASSWORD 'mallory' IN ROLE posthorn_member;
                EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                INSERT INTO posthorn.communities (external_id, name) VALUES ('mine', 'Mine'), ('theirs', 'Theirs');
                INSERT INTO posthorn.memberships (community_id, user_id, role, login_role)
                SELECT id, 'mallory@mine', 'admin', 'mallory' FROM posthorn.communities WHERE external_id = 'mine';
                INSERT INTO posthorn.memberships (community_id, user_id, role)
                SELECT id, 'victim', 'admin' FROM posthorn.communities WHERE external_id = 'theirs';
                INSERT INTO posthorn.webhook_endpoints (community_id, url) SELECT id, 'https://example.com/' FROM posthorn.communities;
                """);
        mallory = database.dataSource("mallory").getConnection();
        mallory.setAutoCommit(false);
        mine = database.one("SELECT id FROM posthorn.communities WHERE external_id = 'mine'");
        theirs = database.one("SELECT id FROM posthorn.communities WHERE external_id = 'theirs'");
        for (String tenant : List.of("mine", "theirs")) {
            database.query("SELECT posthorn.queue_webhook('ext:" + tenant + "', 'a.b', '{}', 'once')");
            String key = database.one("""
                    SELECT id FROM posthorn.generate_api_key('shop', 'ext:%s', '{*}',
                        '{"rate_limits": {"default": {"limit": 5, "period_seconds": 60}}, "credits": {"remaining": 5}}')
                    """.formatted(tenant));
            database.query("SELECT posthorn.rotate_api_key('" + key + "')");
            database.query("SELECT posthorn.check_api_key_rate_limit('" + key + "')");
            database.query("SELECT posthorn.log_api_key_usage('" + key + "')");
        }
        THEIR_IDS.put("community", theirs);
        for (String table : List.of("webhook_endpoints", "webhook_events", "webhook_deliveries", "api_keys")) {
            THEIR_IDS.put(
                    table, database.one("SELECT id FROM posthorn." + table + " WHERE community_id = '" + theirs + "'"));
        }
    }

    @AfterAll
    static void drop() throws SQLException {
        mallory.close();
        database.close();
    }

    @Test
    void no_row_of_another_tenant_is_read_changed_or_deleted() throws SQLException {
        List<String> relations = column("""
                SELECT c.relname FROM pg_class AS c
                JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'community_id' AND NOT a.attisdropped
                WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                ORDER BY 1
                """);
        assertThat(relations)
                .contains(
                        "api_keys",
                        "api_key_previous_hashes",
                        "api_key_rate_limits",
                        "api_key_credits",
                        "api_key_usage",
                        "audit_log",
                        "api_key_summary",
                        "webhook_endpoints",
                        "webhook_deliveries");
        List<String> seen = new ArrayList<>();
        for (String relation : relations) {
            String where = " FROM posthorn." + relation + " WHERE community_id = ";
            if (!database.one("SELECT count(*)" + where + "'" + theirs + "'").equals("0")) {
                seen.add(relation);
            }
            for (String what : List.of(
                    "SELECT count(community_id)" + where + "'%s'",
                    "DELETE" + where + "'%s' RETURNING 1",
                    "UPDATE posthorn." + relation
                            + " SET community_id = community_id WHERE community_id = '%s' RETURNING 1")) {
                assertThat(outcome(what, theirs)).as(what, theirs).isEqualTo(outcome(what, stranger()));
            }
            for (String column : column(
                    "SELECT column_name FROM information_schema.column_privileges WHERE table_schema = 'posthorn'"
                            + " AND table_name = '" + relation
                            + "' AND grantee = 'posthorn_member' AND privilege_type = 'UPDATE'")) {
                String update = "UPDATE posthorn." + relation + " SET " + column + " = " + column
                        + " WHERE community_id = '%s' RETURNING 1";
                assertThat(outcome(update, theirs)).as(update, theirs).isEqualTo(outcome(update, stranger()));
            }
        }
        // Where there is nothing to be seen nothing was tried.
        assertThat(seen)
                .contains(
                        "api_keys",
                        "api_key_previous_hashes",
                        "api_key_rate_limits",
                        "api_key_credits",
                        "api_key_usage",
                        "audit_log",
                        "api_key_summary",
                        "memberships",
                        "webhook_endpoints",
                        "webhook_events",
                        "webhook_deliveries",
                        "webhook_idempotency_keys");
        for (String insert : List.of(
                "INSERT INTO posthorn.webhook_endpoints (community_id, url) VALUES ('%s', 'https://example.com/')",
                "INSERT INTO posthorn.memberships (community_id, user_id, role) VALUES ('%s', 'mallory@mine', 'admin')")) {
            assertThat(outcome(insert, theirs)).contains("42501").isEqualTo(outcome(insert, stranger()));
            assertThat(outcome(insert, mine)).doesNotContain("42501");
        }
    }

    @Test
    void every_function_answers_of_another_tenants_ids_as_of_a_random_one() throws SQLException {
        Map<String, String> calls = new LinkedHashMap<>();
        for (List<@Nullable String> function : database.query("""
                SELECT f.oid::regprocedure, f.proname, a.names, a.types
                FROM pg_proc AS f
                CROSS JOIN LATERAL (
                    SELECT string_agg(coalesce(f.proargnames[i.n], ''), ' ' ORDER BY i.n) AS names,
                           string_agg(format_type(i.type, NULL), ';' ORDER BY i.n) AS types
                    FROM unnest(f.proargtypes) WITH ORDINALITY AS i (type, n)
                ) AS a
                WHERE f.pronamespace = 'posthorn'::regnamespace AND f.provolatile <> 'i'
                  AND has_function_privilege('posthorn_member', f.oid, 'EXECUTE')
                  AND (a.types ~ 'uuid' OR a.names ~ 'community')
                ORDER BY 1
                """)) {
            String call = call(
                    String.valueOf(function.get(1)), String.valueOf(function.get(2)), String.valueOf(function.get(3)));
            calls.put(String.valueOf(function.get(0)), call);
        }
        assertThat(String.join(" ", calls.keySet()))
                .contains(
                        "change_api_key",
                        "rotate_api_key",
                        "store_api_key_rotation",
                        "revoke_api_key",
                        "disable_api_key",
                        "enable_api_key",
                        "check_api_key_rate_limit",
                        "log_api_key_usage",
                        "generate_api_key",
                        "has_permission",
                        "retry_dead_letter",
                        "queue_webhook");
        List<String> telling = new ArrayList<>();
        calls.forEach((function, call) -> {
            String ofNobody = outcome(call, "ext:nobody");
            String ofThem = outcome(call, "ext:theirs");
            if (!ofThem.equals(ofNobody)) {
                telling.add(function + " of ext:theirs says " + ofThem + ", of ext:nobody " + ofNobody);
            }
            String ofRandom = outcome(call, stranger());
            THEIR_IDS.forEach((what, id) -> {
                String ofTheirs = outcome(call, id);
                if (!ofTheirs.equals(ofRandom)) {
                    telling.add(function + " of their " + what + " says " + ofTheirs + ", of a random id " + ofRandom);
                }
            });
        });
        assertThat(telling).isEmpty();
        // Else the test would pass on functions that refuse everybody.
        String own = database.one("SELECT id FROM posthorn.api_keys WHERE community_id = '" + mine + "'");
        assertThat(outcome(calls.get("posthorn.revoke_api_key(uuid,text)"), own))
                .isEqualTo("[[t]]");
        assertThat(outcome(calls.get("posthorn.queue_webhook(text,text,jsonb,text)"), mine))
                .doesNotContain("42501");
    }

    /** A call whose ids are still to be put in; all other arguments are such that nothing but the ids stands in its way. */
    private static String call(String name, String names, String types) {
        List<String> arguments = new ArrayList<>();
        String[] called = names.split(" ", -1);
        String[] typed = types.split(";", -1);
        for (int i = 0; i < typed.length; i++) {
            arguments.add(value(called[i], typed[i]));
        }
        return "SELECT * FROM posthorn." + name + "(" + String.join(", ", arguments) + ")";
    }

    private static String value(String name, String type) {
        return switch (type) {
            case "uuid" -> "'%1$s'::uuid";
            case "uuid[]" -> "ARRAY['%1$s'::uuid]";
            case "text" ->
                switch (name) {
                    case "community" -> "'%1$s'";
                    case "permission", "wanted", "scope" -> "'keys:read'";
                    case "event_type" -> "'a.b'";
                    case "new_prefix", "prefix" -> "'ph_live_00000000'";
                    case "limit_name" -> "'default'";
                    case "code" -> "'valid'";
                    case "what" -> "'failed'";
                    default -> "'x'";
                };
            case "integer", "bigint" -> "1";
            case "boolean" -> "true";
            case "jsonb" -> name.equals("settings") ? "'{\"name\": \"x\"}'::jsonb" : "'{}'::jsonb";
            case "bytea" -> "sha256('x')";
            case "text[]" -> "'{}'::text[]";
            case "inet" -> "'192.0.2.1'::inet";
            case "timestamp with time zone" -> "now()";
            case "interval" -> "interval '1 minute'";
            default -> throw new IllegalStateException("tell this test what to give for " + name + " " + type);
        };
    }

    /** What mallory hears, without the id itself, and undone. */
    private static String outcome(@Nullable String sql, String id) {
        try {
            String heard;
            try {
                heard = TestDatabase.query(mallory, String.format(String.valueOf(sql), id))
                        .toString();
            } catch (SQLException e) {
                heard = e.getSQLState() + " "
                        + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            }
            mallory.rollback();
            return heard.replace(id, "ID");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String stranger() {
        return UUID.randomUUID().toString();
    }

    private static List<String> column(String sql) {
        return database.query(sql).stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }
}
