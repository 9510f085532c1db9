package dev.posthorn.integrations.connector;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a connector is, and what it must be told.
 *
 * @param name 1 to 64 characters of {@code [a-z0-9-]}; the {@code connector} of an integration
 * @param title for people
 * @param description a sentence or two for people
 * @param configuration JSON Schema (2020-12) of an integration's configuration, an object; holds no secret
 * @param credentials JSON Schema of its credentials, an object whose values are texts; they are kept in the vault
 */
public record ConnectorDescription(
        String name, String title, String description, JsonNode configuration, JsonNode credentials) {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /**
     * Reads it from a JSON file with the fields of this record, beside a class.
     *
     * @throws IllegalStateException if the file is missing or has other fields
     */
    public static ConnectorDescription of(Class<?> beside, String file) {
        try (InputStream in = beside.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + file + " beside " + beside.getName() + " is missing");
            }
            JsonNode all = JSON.readTree(in);
            return new ConnectorDescription(
                    all.required("name").stringValue(),
                    all.required("title").stringValue(),
                    all.required("description").stringValue(),
                    all.required("configuration"),
                    all.required("credentials"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
