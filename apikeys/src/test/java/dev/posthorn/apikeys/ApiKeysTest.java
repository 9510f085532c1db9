package dev.posthorn.apikeys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.apikeys.VerifiedKey.Denied;
import dev.posthorn.apikeys.VerifiedKey.Reason;
import dev.posthorn.apikeys.VerifiedKey.Valid;
import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApiKeysTest {
    @Test
    void keys_are_random_well_formed_and_not_shown() {
        Set<String> keys = IntStream.range(0, 1000)
                .mapToObj(i -> ApiKey.generate(ApiKey.Mode.LIVE).text())
                .collect(Collectors.toSet());
        assertThat(keys).hasSize(1000).allSatisfy(key -> {
            assertThat(key).matches("ph_live_[0-9A-Za-z]{38}");
            ApiKey parsed = ApiKey.parse(key).orElseThrow();
            assertThat(parsed.prefix()).hasSize(16).isEqualTo(key.substring(0, 16));
            assertThat(parsed.toString()).doesNotContain(key.substring(16));
        });
        assertThat(ApiKey.generate(ApiKey.Mode.TEST).text()).startsWith("ph_test_");
    }

    @Test
    void a_mistyped_key_is_none() {
        String key = ApiKey.generate(ApiKey.Mode.LIVE).text();
        for (int i = 0; i < key.length(); i++) {
            char other = key.charAt(i) == 'x' ? 'y' : 'x';
            assertThat(ApiKey.parse(key.substring(0, i) + other + key.substring(i + 1)))
                    .as("character " + i)
                    .isEmpty();
        }
        assertThat(ApiKey.parse("")).isEmpty();
        assertThat(ApiKey.parse(key + "0")).isEmpty();
        assertThat(ApiKey.parse("ph_live_" + "é".repeat(38))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "*, webhooks:read, true",
        "webhooks:read, webhooks:read, true",
        "webhooks:*, webhooks:read, true",
        "*:read, webhooks:read, true",
        "*:*, webhooks:read, true",
        "webhooks:read, webhooks:write, false",
        "webhooks:*, events:read, false",
        "*:read, events:write, false",
        "webhooks, webhooks:read, false",
        "webhooks:, webhooks:read, false",
        ":read, webhooks:read, false",
        "web*:read, webhooks:read, false",
        "webhooks:read:x, webhooks:read, false",
        "Webhooks:read, webhooks:read, false",
    })
    void scopes_cover_by_the_same_truth_table_in_java_and_in_sql(String granted, String wanted, boolean covers) {
        assertThat(Scopes.covers(granted, wanted)).isEqualTo(covers);
        try (TestDatabase database = TestDatabase.create()) {
            new Migrator(database.dataSource()).migrate();
            assertThat(database.one("SELECT posthorn.permission_matches('" + granted + "', '" + wanted + "')"))
                    .isEqualTo(covers ? "t" : "f");
        }
    }

    @Test
    void a_key_is_valid_until_it_is_revoked_or_expires_and_only_its_hash_is_stored() throws Exception {
        try (TestDatabase database = TestDatabase.create()) {
            new Migrator(database.dataSource()).migrate();
            ApiKeys keys = new ApiKeys();
            try (Connection connection = database.superuser()) {
                assertThat(keys.any(connection)).isFalse();
                ApiKey key = keys.issue(connection, ApiKey.Mode.LIVE, null, "first", List.of("*"));
                assertThat(keys.any(connection)).isTrue();
                assertThat(keys.verify(connection, key.text())).isInstanceOfSatisfying(Valid.class, valid -> {
                    assertThat(valid.communityId()).isNull();
                    assertThat(valid.scopes()).containsExactly("*");
                });
                assertThat(database.one("SELECT k::text FROM posthorn.api_keys AS k"))
                        .doesNotContain(key.text());
                assertThat(keys.verify(
                                connection, ApiKey.generate(ApiKey.Mode.LIVE).text()))
                        .isEqualTo(new Denied(Reason.UNKNOWN));
                assertThat(keys.verify(connection, "nonsense")).isEqualTo(new Denied(Reason.UNKNOWN));
                database.administrate("UPDATE posthorn.api_keys SET expires_at = now() - interval '1 second'");
                assertThat(keys.verify(connection, key.text())).isEqualTo(new Denied(Reason.EXPIRED));
                database.administrate("UPDATE posthorn.api_keys SET revoked_at = now()");
                assertThat(keys.verify(connection, key.text())).isEqualTo(new Denied(Reason.REVOKED));
            }
        }
    }
}
