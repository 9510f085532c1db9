package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.integrations.connector.Connector;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.PushConnector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The code in docs/connectors.md is that of tests, and its configurations can be used; {@code -Dposthorn.snapshot=write} copies the code. */
class ConnectorsGuideTest {
    private static final Path ROOT = Path.of("..");
    private static final Path GUIDE = ROOT.resolve("docs/connectors.md");
    private static final Pattern SNIPPET =
            Pattern.compile("<!-- (integrations/\\S+) -->\n```\\w+\n(.*?)```\n", Pattern.DOTALL);
    private static final Pattern REGION =
            Pattern.compile("^ *// region guide\n(.*?)^ *// endregion\n", Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern SETTINGS =
            Pattern.compile("<!-- (configuration|credentials) of (\\S+) -->\n```json\n(.*?)```\n", Pattern.DOTALL);
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final TestContext contexts = new TestContext();

    @AfterEach
    void close() {
        contexts.close();
    }

    @Test
    void its_code_is_that_of_tests() throws IOException {
        if ("write".equals(System.getProperty("posthorn.snapshot"))) {
            write();
        }
        List<String> files = new ArrayList<>();
        Matcher snippet = SNIPPET.matcher(Files.readString(GUIDE));
        while (snippet.find()) {
            files.add(snippet.group(1).replaceAll(".*/", ""));
            assertThat(snippet.group(2)).as(snippet.group(1)).isEqualTo(region(snippet.group(1)));
        }
        assertThat(files).containsExactly("CounterConnector.java", "counter.json", "ConformanceTest.java");
    }

    @Test
    void its_configurations_can_be_used() throws Exception {
        int configurations = 0;
        Matcher settings = SETTINGS.matcher(Files.readString(GUIDE));
        while (settings.find()) {
            String json = settings.group(3);
            Connector connector = connector(settings.group(2));
            ConnectorDescription description = connector.describe();
            boolean configuration = settings.group(1).equals("configuration");
            JsonNode schema = configuration ? description.configuration() : description.credentials();
            assertThat(SCHEMAS.getSchema(schema).validate(JSON.readTree(json)))
                    .as(json)
                    .isEmpty();
            if (configuration) {
                configurations++;
                use(connector, contexts.of(json, someOf(description.credentials())));
            }
        }
        assertThat(configurations).isEqualTo(7);
    }

    private static void use(Connector connector, ConnectorContext context) throws Exception {
        switch (connector) {
            case PullConnector pull -> pull.open(context, null).close();
            case PushConnector push -> push.check(context);
        }
    }

    private static Map<String, String> someOf(JsonNode schema) {
        Map<String, String> credentials = new HashMap<>();
        schema.path("properties").propertyNames().forEach(name -> credentials.put(name, "some-text"));
        return credentials;
    }

    private static Connector connector(String name) {
        return ServiceLoader.load(Connector.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(each -> each.describe().name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no connector " + name));
    }

    private static void write() throws IOException {
        Matcher snippet = SNIPPET.matcher(Files.readString(GUIDE));
        StringBuilder text = new StringBuilder();
        while (snippet.find()) {
            String whole = snippet.group();
            String code = whole.substring(0, whole.length() - snippet.group(2).length() - "```\n".length());
            snippet.appendReplacement(text, Matcher.quoteReplacement(code + region(snippet.group(1)) + "```\n"));
        }
        Files.writeString(GUIDE, snippet.appendTail(text));
    }

    /** The marked part of a class, without the indentation of the whole; of other files all. */
    private static String region(String file) throws IOException {
        String text = Files.readString(ROOT.resolve(file));
        if (!file.endsWith(".java")) {
            return text;
        }
        Matcher region = REGION.matcher(text);
        assertThat(region.find()).as(file).isTrue();
        return region.group(1).stripTrailing().stripIndent().strip() + "\n";
    }
}
