package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.cli.PosthornCommand;
import dev.posthorn.testkit.TestDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code posthorn keys}: what it prints, where, and its exit codes. */
class KeysCommandTest {
    private static TestDatabase database;

    private record Said(int exitCode, String out, String err) {}

    @BeforeAll
    static void migrate() {
        database = TestDatabase.create(source -> new Migrator(source).migrate());
        database.administrate("INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme')");
    }

    @AfterAll
    static void drop() {
        database.close();
    }

    @Test
    void a_service_key_is_made_shown_listed_rotated_and_revoked() {
        Said made = keys("create", "--name", "shop", "--owner", "anna", "--scopes", "events:write,webhooks:read");
        assertThat(made.exitCode()).as(made.err()).isZero();
        String key = made.out().strip();
        assertThat(ApiKey.parse(key))
                .as("standard output is the key and nothing else")
                .isPresent();
        String id = id(key);
        assertThat(made.err()).contains(id, "only this once").doesNotContain(key);
        assertThat(state(key)).isEqualTo("valid");

        Said shown = keys("show", id);
        assertThat(shown.out())
                .contains("name                 shop", "owner                anna", "state                active")
                .contains("scopes               events:write,webhooks:read", "calls in 7 days      none")
                .doesNotContain(key, "hash");
        assertThat(keys("show", key.substring(0, 16)).out()).isEqualTo(shown.out());
        JsonNode json =
                JsonMapper.builder().build().readTree(keys("show", id, "--json").out());
        assertThat(json.get("prefix").stringValue()).isEqualTo(key.substring(0, 16));
        assertThat(json.has("hash")).isFalse();

        Said rotated = keys("rotate", id, "--grace-seconds", "0");
        String second = rotated.out().strip();
        assertThat(ApiKey.parse(second)).isPresent();
        assertThat(rotated.err()).contains(id, "is accepted until");
        assertThat(state(key)).isEqualTo("expired");
        assertThat(state(second)).isEqualTo("valid");

        assertThat(keys("list").out()).contains(id, "shop", "never used", "active");
        assertThat(keys("revoke", id, "--reason", "lost").out()).isEqualTo("revoked " + id + "\n");
        assertThat(state(second)).isEqualTo("revoked");
        Said again = keys("revoke", id);
        assertThat(again.exitCode()).isZero();
        assertThat(again.out()).contains("was revoked before");
        assertThat(keys("list", "--state", "active").out()).doesNotContain(id);
        assertThat(keys("list", "--state", "revoked").out()).contains(id);
        Said late = keys("rotate", id);
        assertThat(late.exitCode()).isEqualTo(1);
        assertThat(late.err()).isEqualTo("posthorn: the key is revoked. Make a new one.\n");
        assertThat(late.out()).isEmpty();
    }

    @Test
    void a_communitys_key_is_made_and_listed_apart_from_the_service_keys() {
        String key = keys(
                        "create",
                        "--name",
                        "theirs",
                        "--community",
                        "ext:acme",
                        "--scopes",
                        "orders:read",
                        "--networks",
                        "192.0.2.0/24,2001:db8::/32",
                        "--expires-at",
                        "2099-01-31T12:00:00Z",
                        "--test")
                .out()
                .strip();
        assertThat(key).startsWith("ph_test_");
        String id = id(key);
        assertThat(keys("list", "--community", "ext:acme").out()).contains(id);
        assertThat(keys("list").out()).doesNotContain(id);
        assertThat(keys("list", "--all").out()).contains(id);
        assertThat(keys("list", "--all", "--json").out().lines())
                .allSatisfy(line -> assertThat(line).startsWith("{").endsWith("}"));
        assertThat(keys("show", id).out())
                .contains(
                        "allowed_networks     192.0.2.0/24,2001:db8::/32", "expires_at           2099-01-31T12:00:00");
    }

    @Test
    void what_is_wrong_is_said_in_one_line_with_an_exit_code() {
        assertRefused(2, "must have no control characters", "create", "--name", "a\nb");
        assertRefused(2, "scopes must hold resource:action", "create", "--name", "a", "--scopes", "orders");
        assertRefused(2, "write \"10.0.0.0/8\" or \"10.1.2.3\"", "create", "--name", "a", "--networks", "10.1.2.3/8");
        assertRefused(2, "--expires-at must be a time", "create", "--name", "a", "--expires-at", "tomorrow");
        assertRefused(2, "in the future", "create", "--name", "a", "--expires-at", "2020-01-01T00:00:00Z");
        assertRefused(1, "there is no such community", "create", "--name", "a", "--community", "ext:none");
        assertRefused(1, "there is no community ext:none", "list", "--community", "ext:none");
        assertRefused(2, "exclude each other", "list", "--all", "--community", "ext:acme");
        assertRefused(1, "there is no API key", "show", "01980000-0000-7000-8000-000000000000");
        assertRefused(1, "there is no API key", "revoke", "ph_live_00000000");
        assertRefused(2, "names no key", "show", "nonsense");
        String whole = ApiKey.generate(ApiKey.Mode.LIVE).text();
        assertRefused(2, "do not put a whole key on a command line", "revoke", whole);
        assertThat(keys("revoke", whole).err()).doesNotContain(whole);
        String id = id(keys("create", "--name", "graced").out().strip());
        assertRefused(2, "grace_seconds must be a number from 0 to 2592000", "rotate", id, "--grace-seconds", "-1");
        Said noName = keys("create");
        assertThat(noName.exitCode()).isEqualTo(2);
        assertThat(noName.err()).contains("--name");
        Said away = run("keys", "list", "--database-url", "postgres://posthorn@127.0.0.1:1/posthorn");
        assertThat(away.exitCode()).isEqualTo(69);
        assertThat(away.err()).contains("cannot be opened");
    }

    private static void assertRefused(int exitCode, String said, String... arguments) {
        Said answer = keys(arguments);
        assertThat(answer.exitCode()).as(answer.err()).isEqualTo(exitCode);
        assertThat(answer.err()).startsWith("posthorn: ").contains(said);
        assertThat(answer.err().lines()).hasSize(1);
        assertThat(answer.out()).isEmpty();
    }

    private static String id(String key) {
        return database.one("SELECT id FROM posthorn.api_keys WHERE prefix = '" + key.substring(0, 16) + "'");
    }

    private static String state(String key) {
        return database.one("SELECT code FROM posthorn.validate_api_key('" + key + "')");
    }

    private static Said keys(String... arguments) {
        List<String> all = new ArrayList<>(List.of("keys"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--database-url", database.jdbcUrl()));
        return run(all.toArray(String[]::new));
    }

    private static Said run(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream outBefore = System.out;
        PrintStream errBefore = System.err;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            int exitCode = PosthornCommand.run(arguments);
            return new Said(exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(outBefore);
            System.setErr(errBefore);
        }
    }
}
