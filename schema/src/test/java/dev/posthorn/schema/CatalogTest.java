package dev.posthorn.schema;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.TestDatabase;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What must hold of everything in the schema, whatever is added to it. */
class CatalogTest {
    private static TestDatabase database;

    @BeforeAll
    static void migrate() {
        database = TestDatabase.create();
        new Migrator(database.dataSource()).migrate();
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @Test
    void row_level_security_is_enabled_and_forced_on_every_table() {
        assertThat(database.query("""
                SELECT relname FROM pg_class
                WHERE relnamespace = 'posthorn'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_history'
                  AND NOT (relrowsecurity AND relforcerowsecurity)
                """)).isEmpty();
    }

    @Test
    void the_owner_has_a_policy_on_every_table_that_its_functions_read() {
        assertThat(database.query("""
                SELECT relname FROM pg_class AS c
                WHERE relnamespace = 'posthorn'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_history'
                  AND relname !~ '_[0-9]{8}$'
                  AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polname = c.relname || '_owner')
                """)).isEmpty();
    }

    @Test
    void everything_has_a_comment() {
        assertThat(database.query("""
                SELECT 'relation ' || relname FROM pg_class AS c
                WHERE relnamespace = 'posthorn'::regnamespace AND relkind IN ('r', 'p', 'v', 'S') AND relname NOT LIKE 'schema_history%'
                  AND obj_description(c.oid, 'pg_class') IS NULL
                UNION ALL
                SELECT 'column ' || c.relname || '.' || a.attname
                FROM pg_class AS c
                JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                WHERE relnamespace = 'posthorn'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                  AND relname NOT LIKE 'schema_history%' AND col_description(c.oid, a.attnum) IS NULL
                UNION ALL
                SELECT 'function ' || f.oid::regprocedure FROM pg_proc AS f
                WHERE pronamespace = 'posthorn'::regnamespace AND obj_description(f.oid, 'pg_proc') IS NULL
                UNION ALL
                SELECT 'type ' || typname FROM pg_type AS t
                WHERE typnamespace = 'posthorn'::regnamespace AND typtype = 'e' AND obj_description(t.oid, 'pg_type') IS NULL
                """)).isEmpty();
    }

    @Test
    void the_public_may_execute_nothing() {
        assertThat(database.query("""
                SELECT f.oid::regprocedure FROM pg_proc AS f
                WHERE pronamespace = 'posthorn'::regnamespace
                  AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) AS a WHERE a.grantee = 0))
                """)).isEmpty();
    }

    @Test
    void functions_that_run_as_their_owner_pin_their_search_path() {
        assertThat(database.query("""
                SELECT f.oid::regprocedure FROM pg_proc AS f
                WHERE pronamespace = 'posthorn'::regnamespace AND prosecdef
                  AND NOT coalesce(array_to_string(proconfig, ';') LIKE '%search_path=pg_catalog, posthorn, pg_temp%', false)
                """)).isEmpty();
    }

    @Test
    void views_show_only_what_their_reader_may_see() {
        assertThat(database.query("""
                SELECT relname FROM pg_class
                WHERE relnamespace = 'posthorn'::regnamespace AND relkind = 'v'
                  AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)
                """)).isEmpty();
    }

    @Test
    void nobody_but_functions_writes_events_deliveries_attempts_health_or_keys() {
        assertThat(database.query("""
                SELECT relname, privilege_type, grantee::regrole
                FROM pg_class AS c, aclexplode(c.relacl) AS a
                WHERE relnamespace = 'posthorn'::regnamespace
                  AND (relname IN ('webhook_events', 'webhook_deliveries', 'webhook_attempts', 'webhook_endpoint_health', 'audit_log')
                       OR relname LIKE 'api_key%')
                  AND a.grantee <> c.relowner AND privilege_type <> 'SELECT'
                """)).isEmpty();
    }

    @Test
    void every_part_that_the_documentation_names_is_there() {
        for (String function : new String[] {
            "generate_uuid_v7(timestamptz)",
            "update_updated_at()",
            "has_permission(text,uuid)",
            "calculate_next_retry(integer,interval[],uuid)",
            "queue_webhook(text,text,jsonb,text)",
            "get_pending_webhooks(integer,integer)",
            "process_webhook_delivery(uuid,integer)",
            "record_webhook_result(uuid,text,integer,text,text,integer,text,integer)",
            "record_webhook_results(uuid[],text[],integer[],text[],text[],integer[],text[],integer[])",
            "retry_dead_letter(uuid)",
            "maintain()",
            "check_invariants()",
            "generate_api_key(text,text,text[],jsonb,boolean,text)",
            "validate_api_key(text,text,inet)",
            "validate_api_key_hash(bytea,text,inet)",
            "revoke_api_key(uuid,text)",
            "check_api_key_rate_limit(uuid,text,integer,integer,integer)",
            "log_api_key_usage(uuid,text,bigint)"
        }) {
            assertThat(database.one("SELECT to_regprocedure('posthorn." + function + "') IS NOT NULL"))
                    .as(function)
                    .isEqualTo("t");
        }
        for (String relation : new String[] {
            "communities",
            "webhook_endpoints",
            "webhook_deliveries",
            "webhook_attempts",
            "webhook_delivery_stats",
            "api_keys",
            "api_key_usage",
            "api_key_summary"
        }) {
            assertThat(database.one("SELECT to_regclass('posthorn." + relation + "') IS NOT NULL"))
                    .as(relation)
                    .isEqualTo("t");
        }
        assertThat(database.one("SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum"
                        + " WHERE enumtypid = 'posthorn.webhook_status'::regtype"))
                .isEqualTo("pending, sending, delivered, failed, retrying, dead_letter");
        assertThat(database.one("SELECT provolatile FROM pg_proc WHERE oid = 'posthorn.calculate_next_retry'::regproc"))
                .isEqualTo("i");
    }
}
