package dev.posthorn.integrations.conformance;

import static dev.posthorn.integrations.conformance.Examination.require;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.integrations.conformance.Examination.BrokenException;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.connector.ConnectorDescription;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Rules for what a connector says it is. */
final class DescriptionRules {
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final String META = "https://json-schema.org/draft/2020-12/schema";

    private DescriptionRules() {}

    static void check(Examination examination, Connector connector, JsonNode configuration, JsonNode credentials)
            throws InterruptedException {
        ConnectorDescription description = connector.describe();
        examination.rule("the description is complete and the same at each call", () -> {
            require(
                    description.name().matches("[a-z0-9-]{1,64}"),
                    "the name must be 1 to 64 characters of a-z, 0-9 and -");
            require(!description.title().isBlank(), "the title is empty");
            require(!description.description().isBlank(), "the description is empty");
            require(description.equals(connector.describe()), "a second call gave another one");
        });
        examination.rule("the configuration is described by a JSON Schema with examples", () -> {
            schema(description.configuration());
            require(!description.configuration().path("examples").isEmpty(), "it has no examples");
            fits(description.configuration(), configuration, "the sample's configuration");
        });
        examination.rule("the credentials are described by a JSON Schema of texts", () -> {
            schema(description.credentials());
            for (Map.Entry<String, JsonNode> each :
                    description.credentials().path("properties").properties()) {
                require(
                        each.getValue().path("type").asString("").equals("string"),
                        each.getKey() + " is not of type string");
            }
            fits(description.credentials(), credentials, "the sample's credentials");
        });
    }

    private static void schema(JsonNode schema) throws BrokenException {
        List<Error> mistakes = REGISTRY.getSchema(SchemaLocation.of(META)).validate(schema);
        require(mistakes.isEmpty(), "it is no JSON Schema of the draft 2020-12: " + mistakes);
        require(schema.path("type").asString("").equals("object"), "its type is not object");
        for (Map.Entry<String, JsonNode> each : schema.path("properties").properties()) {
            require(
                    !each.getValue().path("title").asString("").isBlank()
                            && !each.getValue().path("description").asString("").isBlank(),
                    each.getKey() + " has no title or no description, from which forms are drawn");
        }
        for (JsonNode example : schema.path("examples")) {
            fits(schema, example, "an example");
        }
    }

    private static void fits(JsonNode schema, JsonNode document, String what) throws BrokenException {
        Schema compiled = REGISTRY.getSchema(schema);
        List<Error> mistakes = compiled.validate(document);
        require(mistakes.isEmpty(), what + " does not fit: " + mistakes);
    }
}
