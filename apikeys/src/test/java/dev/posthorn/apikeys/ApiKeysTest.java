package dev.posthorn.apikeys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Making, changing and ending keys, through the functions of the database. */
class ApiKeysTest {
    private final ApiKeys keys = new ApiKeys();
    private TestDatabase database;
    private Connection connection;

    @BeforeEach
    void open() throws SQLException {
        database = TestDatabase.create(source -> new Migrator(source).migrate());
        database.administrate("""
                INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme'), ('other', 'Other');
                INSERT INTO posthorn.webhook_endpoints (community_id, url, event_types)
                SELECT id, 'https://example.com/', '{api_key.*}' FROM posthorn.communities;
                """);
        connection = database.dataSource().getConnection();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    @Test
    void only_the_hash_of_a_key_is_stored_and_sql_judges_it() throws SQLException {
        assertThat(keys.any(connection)).isFalse();
        IssuedKey issued = acme(KeySettings.named("shop")
                .scopes(List.of("orders:read"))
                .owner("ACME's \"shop\"")
                .metadata("{\"plan\": \"gold\"}")
                .allowedNetworks(List.of("10.0.0.0/8", "2001:db8::/32"))
                .rateLimits(Map.of("default", new RateLimit(10, 60)))
                .credits(5, 100, "month")
                .expiresAt(Instant.now().plus(Duration.ofDays(300))));
        assertThat(keys.any(connection)).isTrue();
        String secret = issued.key().text().substring(ApiKey.PREFIX_LENGTH);
        assertThat(database.query("SELECT k::text FROM posthorn.api_keys AS k").toString())
                .contains(issued.key().prefix())
                .doesNotContain(secret);
        assertThat(judge(issued, "'orders:read', '10.1.2.3'")).isEqualTo("valid");
        assertThat(judge(issued, "'orders:write', '10.1.2.3'")).isEqualTo("scope_missing");
        assertThat(judge(issued, "'orders:write', '11.1.2.3'")).isEqualTo("ip_not_allowed");
        assertThat(database.one("SELECT code FROM posthorn.validate_api_key('"
                        + issued.key().text() + "x')"))
                .isEqualTo("unknown");
        assertThat(database.one(
                        "SELECT owner || metadata || rate_limits || credits || state FROM posthorn.api_key_summary"))
                .isEqualTo("ACME's \"shop\"{\"plan\": \"gold\"}{\"default\": {\"limit\": 10, \"period_seconds\": 60}}"
                        + "{\"refill\": {\"every\": \"month\", \"amount\": 100}, \"remaining\": 5}active");
    }

    @Test
    void a_rotated_key_keeps_its_id_and_its_text_before_is_accepted_until_the_grace_ends() throws SQLException {
        IssuedKey first = acme(KeySettings.named("shop"));
        ApiKeys.Rotation second = keys.rotate(connection, first.id(), Duration.ofHours(1), null);
        ApiKeys.Rotation third = keys.rotate(connection, first.id(), Duration.ZERO, null);
        assertThat(third.issued().id()).isEqualTo(first.id());
        assertThat(judge(first, "NULL")).isEqualTo("valid");
        assertThat(judge(second.issued(), "NULL")).isEqualTo("expired");
        assertThat(judge(third.issued(), "NULL")).isEqualTo("valid");
        database.setClock(Instant.now().plus(Duration.ofMinutes(61)));
        assertThat(judge(first, "NULL")).isEqualTo("expired");
        assertThat(judge(third.issued(), "NULL")).isEqualTo("valid");
        keys.revoke(connection, first.id(), "over");
        assertThat(judge(third.issued(), "NULL")).isEqualTo("revoked");
        assertRefused("PH007", "the key is revoked", () -> keys.rotate(connection, first.id(), Duration.ZERO, null));
    }

    @Test
    void a_repeated_idempotency_key_makes_nothing_and_names_what_the_first_made() throws SQLException {
        IssuedKey first = keys.create(connection, ApiKey.Mode.TEST, "ext:acme", "{\"name\":\"a\"}", "once");
        assertThatThrownBy(() -> keys.create(connection, ApiKey.Mode.TEST, "ext:acme", "{\"name\":\"a\"}", "once"))
                .isInstanceOfSatisfying(PSQLException.class, e -> {
                    assertThat(e.getSQLState()).isEqualTo("PH004");
                    assertThat(said(e).getDetail()).isEqualTo(first.id().toString());
                });
        keys.create(connection, ApiKey.Mode.TEST, "ext:other", "{\"name\":\"a\"}", "once");
        keys.rotate(connection, first.id(), Duration.ZERO, "turn");
        assertRefused("PH004", "rotated", () -> keys.rotate(connection, first.id(), Duration.ZERO, "turn"));
        assertThat(database.one("SELECT count(*) FROM posthorn.api_keys")).isEqualTo("2");
        database.setClock(Instant.now().plus(Duration.ofHours(25)));
        keys.create(connection, ApiKey.Mode.TEST, "ext:acme", "{\"name\":\"a\"}", "once");
        keys.rotate(connection, first.id(), Duration.ZERO, "turn");
    }

    @Test
    void a_setting_that_makes_no_sense_is_refused_by_name() throws SQLException {
        IssuedKey issued = acme(KeySettings.named("shop"));
        Map.of(
                        "{\"name\":\"\"}", "name must be a text",
                        "{\"nme\":\"a\"}", "nme is unknown",
                        "{\"scopes\":[\"orders\"]}", "\"orders\" is none",
                        "{\"scopes\":\"orders:read\"}", "scopes must be a list",
                        "{\"allowed_networks\":[\"10.1.2.3/8\"]}", "write \"10.0.0.0/8\" or \"10.1.2.3\"",
                        "{\"allowed_networks\":[\"example.com\"]}", "\"example.com\" is none",
                        "{\"rate_limits\":{\"default\":{\"limit\":1.5,\"period_seconds\":1}}}",
                                "rate_limits must be such as",
                        "{\"credits\":{\"remaining\":1,\"refill\":{\"amount\":1,\"every\":\"year\"}}}",
                                "every day or month",
                        "{\"metadata\":[]}", "metadata must be an object",
                        "{\"expires_at\":\"tomorrow\"}", "expires_at must be a time")
                .forEach((settings, said) -> assertThatThrownBy(() -> keys.change(connection, issued.id(), settings))
                        .isInstanceOfSatisfying(PSQLException.class, e -> {
                            assertThat(e.getSQLState()).isEqualTo("PH008");
                            assertThat(said(e).getMessage()).contains(said);
                            assertThat(settings).contains("\"" + said(e).getColumn() + "\"");
                        }));
        assertRefused(
                "PH008",
                "in the future",
                () -> keys.change(connection, issued.id(), "{\"expires_at\":\"2020-01-01T00:00:00Z\"}"));
        assertRefused(
                "PH008", "name is missing", () -> keys.create(connection, ApiKey.Mode.LIVE, "ext:acme", "{}", null));
        assertRefused(
                "PH001",
                "no such community",
                () -> keys.create(connection, ApiKey.Mode.LIVE, "ext:none", "{\"name\":\"a\"}", null));
        assertRefused("PH006", "no API key", () -> keys.revoke(connection, UUID.randomUUID(), null));
        assertRefused("PH008", "grace_seconds", () -> keys.rotate(connection, issued.id(), Duration.ofDays(31), null));
    }

    @Test
    void every_change_is_in_the_audit_log_and_the_community_hears_of_it_by_an_event() throws SQLException {
        IssuedKey issued =
                acme(KeySettings.named("shop").expiresAt(Instant.now().plus(Duration.ofDays(20))));
        keys.rotate(connection, issued.id(), Duration.ZERO, null);
        keys.disable(connection, issued.id());
        assertThat(keys.disable(connection, issued.id())).isFalse();
        assertThat(judge(issued, "NULL")).isEqualTo("disabled");
        keys.enable(connection, issued.id());
        database.query("SELECT * FROM posthorn.maintain_api_keys()");
        database.advanceClock(Duration.ofDays(14));
        database.query("SELECT * FROM posthorn.maintain_api_keys()");
        database.query("SELECT * FROM posthorn.maintain_api_keys()");
        database.advanceClock(Duration.ofDays(7));
        database.query("SELECT * FROM posthorn.maintain_api_keys()");
        database.query("SELECT * FROM posthorn.maintain_api_keys()");
        keys.change(connection, issued.id(), "{\"expires_at\":null}");
        assertThat(keys.revoke(connection, issued.id(), "done")).isTrue();
        assertThat(keys.revoke(connection, issued.id(), "again")).isFalse();
        IssuedKey leaked = acme(KeySettings.named("leaked"));
        database.query("SELECT * FROM posthorn.report_exposed_api_keys(ARRAY[sha256('"
                + leaked.key().text() + "')], 'github', ARRAY['https://example.com/x'])");
        keys.issue(connection, ApiKey.Mode.LIVE, null, "service", List.of("*"));

        assertThat(column("SELECT event_type FROM posthorn.webhook_events WHERE deliveries = 1 ORDER BY id"))
                .containsExactly(
                        "api_key.created",
                        "api_key.rotated",
                        "api_key.expiring",
                        "api_key.expired",
                        "api_key.revoked",
                        "api_key.created",
                        "api_key.revoked",
                        "api_key.exposed");
        assertThat(
                        column(
                                "SELECT action FROM posthorn.audit_log WHERE actor = 'posthorn' OR actor = 'postgres' ORDER BY id"))
                .containsExactly(
                        "api_key.created",
                        "api_key.rotated",
                        "api_key.disabled",
                        "api_key.enabled",
                        "api_key.expiring",
                        "api_key.expired",
                        "api_key.changed",
                        "api_key.revoked",
                        "api_key.created",
                        "api_key.revoked",
                        "api_key.exposed",
                        "api_key.created");
    }

    @Test
    void a_change_that_is_rolled_back_leaves_neither_event_nor_audit_line() throws SQLException {
        IssuedKey issued = acme(KeySettings.named("shop"));
        connection.setAutoCommit(false);
        keys.revoke(connection, issued.id(), null);
        connection.rollback();
        assertThat(database.one("SELECT count(*) FROM posthorn.webhook_events")).isEqualTo("1");
        assertThat(database.one("SELECT count(*) FROM posthorn.audit_log")).isEqualTo("1");
    }

    @Test
    void a_member_manages_the_keys_of_his_community_and_gives_no_scope_that_he_lacks() throws SQLException {
        database.administrate("""
                DO $$ BEGIN CREATE ROLE keeper LOGIN PASSWORD 'keeper' IN ROLE posthorn_member;
                EXCEPTION WHEN duplicate_object THEN NULL; END $$;
                INSERT INTO posthorn.roles (name, description, permissions) VALUES ('keeper', 'Keys and orders.', '{keys:*,orders:*}');
                INSERT INTO posthorn.memberships (community_id, user_id, role, login_role)
                SELECT id, 'keeper@acme', 'keeper', 'keeper' FROM posthorn.communities WHERE external_id = 'acme';
                """);
        IssuedKey powerful = acme(KeySettings.named("all").scopes(List.of("*")));
        IssuedKey foreign = keys.create(connection, ApiKey.Mode.LIVE, "ext:other", "{\"name\":\"theirs\"}", null);
        try (Connection keeper = database.dataSource("keeper").getConnection()) {
            IssuedKey own = keys.create(
                    keeper, ApiKey.Mode.LIVE, "ext:acme", "{\"name\":\"a\",\"scopes\":[\"orders:read\"]}", null);
            keys.rotate(keeper, own.id(), Duration.ZERO, null);
            assertRefused(
                    "42501",
                    "you do not hold the scope *",
                    () -> keys.create(
                            keeper, ApiKey.Mode.LIVE, "ext:acme", "{\"name\":\"a\",\"scopes\":[\"*\"]}", null));
            assertRefused(
                    "42501", "webhooks:read", () -> keys.change(keeper, own.id(), "{\"scopes\":[\"webhooks:read\"]}"));
            assertRefused(
                    "42501",
                    "you do not hold the scope *",
                    () -> keys.rotate(keeper, powerful.id(), Duration.ZERO, null));
            assertRefused(
                    "42501",
                    "for this community",
                    () -> keys.create(keeper, ApiKey.Mode.LIVE, "ext:other", "{\"name\":\"a\"}", null));
            assertRefused(
                    "42501",
                    "for the installation",
                    () -> keys.create(keeper, ApiKey.Mode.LIVE, null, "{\"name\":\"a\"}", null));
            assertRefused("PH006", "no API key", () -> keys.revoke(keeper, foreign.id(), null));
            assertThat(TestDatabase.query(keeper, "SELECT count(*) FROM posthorn.api_key_summary"))
                    .containsExactly(List.of("2"));
            assertThat(TestDatabase.query(
                            keeper,
                            "SELECT code FROM posthorn.validate_api_key('"
                                    + foreign.key().text() + "')"))
                    .containsExactly(List.of("unknown"));
            assertThat(TestDatabase.query(
                            keeper,
                            "SELECT code FROM posthorn.validate_api_key('"
                                    + powerful.key().text() + "')"))
                    .containsExactly(List.of("valid"));
            assertRefused("42501", "api_keys", () -> TestDatabase.query(keeper, "SELECT hash FROM posthorn.api_keys"));
            assertRefused(
                    "42501",
                    "api_keys",
                    () -> TestDatabase.query(keeper, "UPDATE posthorn.api_keys SET revoked_at = now()"));
            assertRefused(
                    "42501",
                    "api_key_buckets",
                    () -> TestDatabase.query(keeper, "DELETE FROM posthorn.api_key_buckets"));
            assertThat(keys.revoke(keeper, powerful.id(), "mine to end")).isTrue();
        }
    }

    private IssuedKey acme(KeySettings settings) throws SQLException {
        return keys.create(connection, ApiKey.Mode.LIVE, "ext:acme", settings.json(), null);
    }

    private String judge(IssuedKey issued, String asked) {
        return database.one(
                "SELECT code FROM posthorn.validate_api_key('" + issued.key().text() + "', " + asked + ")");
    }

    private static ServerErrorMessage said(PSQLException e) {
        return Objects.requireNonNull(e.getServerErrorMessage());
    }

    private List<String> column(String sql) {
        return database.query(sql).stream()
                .map(row -> String.valueOf(row.get(0)))
                .toList();
    }

    private static void assertRefused(String state, String said, ThrowingCallable what) {
        assertThatThrownBy(what).isInstanceOfSatisfying(SQLException.class, e -> {
            assertThat(e.getSQLState()).as(e.getMessage()).isEqualTo(state);
            assertThat(e.getMessage()).contains(said);
        });
    }
}
