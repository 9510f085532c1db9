package dev.posthorn.apikeys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ApiKeyTest {
    static Stream<PostgresServer> servers() {
        return Stream.concat(Stream.of(PostgresServer.embedded()), PostgresServer.fifteen().stream());
    }

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
    @MethodSource("servers")
    void keys_that_sql_makes_are_keys_with_the_stored_prefix_and_hash(PostgresServer server) {
        try (TestDatabase database = server.createDatabase(source -> new Migrator(source).migrate())) {
            List<List<@Nullable String>> made = database.query(
                    "SELECT g.key, g.id FROM generate_series(1, 200) AS i, posthorn.generate_api_key('key ' || i, test => i % 2 = 0) AS g");
            Set<String> keys =
                    made.stream().map(row -> String.valueOf(row.get(0))).collect(Collectors.toSet());
            assertThat(keys).hasSize(200);
            for (List<@Nullable String> row : made) {
                ApiKey key = ApiKey.parse(String.valueOf(row.get(0))).orElseThrow();
                assertThat(database.query("SELECT prefix, encode(hash, 'hex'), mode FROM posthorn.api_keys WHERE id = '"
                                + row.get(1) + "'"))
                        .containsExactly(List.of(
                                key.prefix(),
                                HexFormat.of().formatHex(key.hash()),
                                key.text().substring(3, 7)));
            }
        }
    }
}
