package dev.posthorn.vault;

import static dev.posthorn.vault.VaultFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OwnedSecretsTest {
    private static final String PURPOSE = "endpoint_header";

    private final VaultFixture fixture = new VaultFixture();
    private final OwnedSecrets secrets = new OwnedSecrets(fixture.master);
    private final UUID first = fixture.endpoint(fixture.acme);
    private final UUID second = fixture.endpoint(fixture.other);

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void many_owners_are_read_at_once_and_each_name_is_replaced_by_itself() throws Exception {
        put(fixture.acme, first, Map.of("X-Api-Key", bytes("one"), "X-Tenant", bytes("two")));
        put(fixture.other, second, Map.of("X-Api-Key", bytes("three")));
        put(fixture.acme, first, Map.of("X-Api-Key", bytes("four")));
        assertThat(read())
                .isEqualTo(Map.of(
                        first, Map.of("X-Api-Key", "four 2", "X-Tenant", "two 1"),
                        second, Map.of("X-Api-Key", "three 1")));
        assertThat(fixture.database.one("SELECT count(*) FROM posthorn.vault_secret_versions"))
                .isEqualTo("3");
        int removed = fixture.asService(
                connection -> secrets.remove(connection, fixture.acme, first, PURPOSE, List.of("X-Tenant", "X-None")));
        assertThat(removed).isEqualTo(1);
        assertThat(read().get(first)).isEqualTo(Map.of("X-Api-Key", "four 2"));
    }

    @Test
    void it_is_part_of_the_callers_transaction() throws Exception {
        assertThatThrownBy(() -> fixture.asService(connection -> {
                    secrets.put(connection, fixture.acme, first, PURPOSE, Map.of("X-Api-Key", bytes("one")));
                    throw new SQLException("rolled back");
                }))
                .hasMessage("rolled back");
        assertThat(read()).isEmpty();
    }

    private void put(UUID community, UUID owner, Map<String, byte[]> values) throws SQLException {
        fixture.asService(connection -> {
            secrets.put(connection, community, owner, PURPOSE, values);
            return true;
        });
    }

    private Map<UUID, Map<String, String>> read() throws SQLException {
        Map<UUID, Map<String, String>> texts = new TreeMap<>();
        fixture.asService(connection -> secrets.readAll(connection, List.of(first, second), PURPOSE))
                .forEach((owner, values) -> {
                    Map<String, String> shown = new TreeMap<>();
                    values.forEach((name, value) -> shown.put(
                            name,
                            new String(value.bytes(), java.nio.charset.StandardCharsets.UTF_8) + " "
                                    + value.version()));
                    texts.put(owner, shown);
                });
        return texts;
    }
}
