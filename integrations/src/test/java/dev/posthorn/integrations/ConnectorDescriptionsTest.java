package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.integrations.connector.Connector;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ConnectorDescriptionsTest {
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    @Test
    void the_connectors_are_found() {
        assertThat(connectors())
                .extracting(connector -> connector.describe().name())
                .contains("bank-statement", "jdbc");
    }

    @Test
    void their_examples_fit_and_what_is_foreign_does_not() {
        for (Connector connector : connectors()) {
            JsonNode configuration = connector.describe().configuration();
            Schema schema = SCHEMAS.getSchema(configuration);
            for (JsonNode example : configuration.path("examples")) {
                assertThat(schema.validate(example)).as(example.toString()).isEmpty();
            }
        }
        Schema jdbc = schema("jdbc");
        String valid = "{\"host\": \"h\", \"database\": \"d\", \"username\": \"u\", \"query\": \"SELECT 1\"%s}";
        assertThat(jdbc.validate(json(valid.formatted("")))).isEmpty();
        for (String more : List.of(
                ", \"url\": \"jdbc:postgresql://x\"",
                ", \"parameters\": {\"socketFactory\": \"x\"}",
                ", \"kind\": \"../x\"",
                ", \"ca_certificate\": \"file:/etc/passwd\"",
                ", \"tls\": \"prefer\"")) {
            assertThat(jdbc.validate(json(valid.formatted(more)))).as(more).isNotEmpty();
        }
        Schema bank = schema("bank-statement");
        String sftp =
                "{\"source\": {\"type\": \"sftp\", \"host\": \"h\", \"username\": \"u\", \"path\": \"/\", \"host_key\": %s}}";
        assertThat(bank.validate(json(sftp.formatted("[\"SHA256:" + "A".repeat(43) + "\"]"))))
                .isEmpty();
        for (String keys : List.of("[]", "[\"MD5:aa\"]", "\"*\"")) {
            assertThat(bank.validate(json(sftp.formatted(keys)))).as(keys).isNotEmpty();
        }
    }

    private static Schema schema(String name) {
        return SCHEMAS.getSchema(connectors().stream()
                .map(Connector::describe)
                .filter(one -> one.name().equals(name))
                .findFirst()
                .orElseThrow()
                .configuration());
    }

    private static JsonNode json(String text) {
        return ConnectorFixture.JSON.readTree(text);
    }

    private static List<Connector> connectors() {
        return ServiceLoader.load(Connector.class).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
    }
}
