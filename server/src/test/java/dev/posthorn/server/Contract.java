package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.posthorn.server.rest.OpenApi;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The contract {@code openapi.yaml}, and whether an answer keeps to it. Thread-safe. */
final class Contract {
    /** Its schemas refer to each other as within a JSON Schema, which is what they are compiled to. */
    private static final JsonNode DOCUMENT = new YAMLMapper()
            .readTree(new String(OpenApi.contract(), StandardCharsets.UTF_8)
                    .replace("#/components/schemas/", "#/$defs/"));

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final List<String> METHODS = List.of("get", "head", "post", "put", "patch", "delete", "options");
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final Map<JsonNode, Schema> SCHEMAS = new ConcurrentHashMap<>();

    private Contract() {}

    /** An answer, as far as the contract looks at it. */
    record Seen(String method, String path, int status, String type, boolean mayBeRepeated, String body) {
        static Seen of(HttpResponse<String> answer) {
            return new Seen(
                    answer.request().method(),
                    answer.uri().getRawPath(),
                    answer.statusCode(),
                    answer.headers().firstValue("Content-Type").orElse(""),
                    answer.headers().firstValue("Retry-After").isPresent(),
                    answer.body());
        }
    }

    /** Fails if the answer is not one that the contract allows. */
    static HttpResponse<String> check(HttpResponse<String> answer) {
        Seen seen = Seen.of(answer);
        assertThat(complaints(seen)).as(seen.toString()).isEmpty();
        return answer;
    }

    /** All operations, such as {@code GET /v1/communities/{community}}. */
    static Set<String> operations() {
        Set<String> operations = new TreeSet<>();
        DOCUMENT.get("paths")
                .properties()
                .forEach(path -> METHODS.stream()
                        .filter(method -> path.getValue().has(method))
                        .forEach(method -> operations.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        return operations;
    }

    /** What is wrong with an answer; nothing if it is one that the contract allows. */
    static List<String> complaints(Seen seen) {
        Optional<JsonNode> operation = operation(seen.method(), seen.path());
        if (operation.isEmpty()) {
            return seen.status() == 404
                    ? body(resolved(DOCUMENT.at("/components/responses/NotFound")), seen)
                    : List.of("the contract has no such operation, and it was not answered 404");
        }
        JsonNode response = operation.get().get("responses").get(String.valueOf(seen.status()));
        return response == null
                ? List.of("the contract has no such status for this operation")
                : body(resolved(response), seen);
    }

    /** The operation of a path; one that is written out goes before one with a parameter in its place. */
    private static Optional<JsonNode> operation(String method, String path) {
        return DOCUMENT.get("paths").properties().stream()
                .filter(known -> pattern(known.getKey()).matcher(path).matches())
                .min(Comparator.comparingLong(
                        known -> known.getKey().chars().filter(c -> c == '{').count()))
                .map(known -> known.getValue().get(method.toLowerCase(Locale.ROOT)));
    }

    private static Pattern pattern(String template) {
        return Pattern.compile(
                template.replace(".", "\\.").replace("{path}", ".*").replaceAll("\\{\\w+}", "[^/]+"));
    }

    private static JsonNode resolved(JsonNode node) {
        JsonNode reference = node.get("$ref");
        return reference == null ? node : DOCUMENT.at(reference.stringValue().substring(1));
    }

    private static List<String> body(JsonNode response, Seen seen) {
        JsonNode content = response.get("content");
        if (content == null) {
            return seen.body().isEmpty() ? List.of() : List.of("the contract has no body here");
        }
        String type = seen.type().replaceAll(";.*", "").strip();
        JsonNode media = content.get(type);
        if (media == null) {
            return List.of("the contract has no such content type here: " + type);
        }
        if (seen.method().equals("HEAD") || !type.endsWith("json")) {
            return List.of();
        }
        List<String> complaints = new ArrayList<>();
        schema(media.get("schema"))
                .validate(
                        seen.body(),
                        InputFormat.JSON,
                        context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)))
                .forEach(error -> complaints.add(error.toString()));
        if (type.equals("application/problem+json") && complaints.isEmpty()) {
            if (JSON.readTree(seen.body()).get("status").intValue() != seen.status()) {
                complaints.add("the problem names another status");
            }
            if (seen.status() == 503 && !seen.mayBeRepeated()) {
                complaints.add("503 without Retry-After");
            }
        }
        return complaints;
    }

    /** A schema with all that it may refer to. */
    private static Schema schema(JsonNode schema) {
        return SCHEMAS.computeIfAbsent(schema, unseen -> {
            ObjectNode whole = ((ObjectNode) unseen).deepCopy();
            whole.set("$defs", DOCUMENT.at("/components/schemas"));
            return REGISTRY.getSchema(whole);
        });
    }
}
