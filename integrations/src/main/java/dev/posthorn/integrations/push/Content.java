package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.mapping.ExactJson;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a body becomes a document.
 *
 * @param form whether it is a form ({@code application/x-www-form-urlencoded}), else JSON
 * @param jsonField the field of a form that holds the JSON; empty: the fields themselves are the document, as texts
 */
record Content(boolean form, Optional<String> jsonField) {
    private static final int MOST_FIELDS = 1000;

    static Content of(JsonNode configuration) {
        return new Content(
                configuration.path("content").asString("json").equals("form"),
                configuration.has("form_field")
                        ? Optional.of(configuration.path("form_field").asString())
                        : Optional.empty());
    }

    /** @throws IllegalArgumentException whose message says what is wrong and repeats nothing of the body */
    JsonNode read(byte[] body) {
        if (!form) {
            return json(body);
        }
        Map<String, List<String>> fields = fields(text(body));
        if (jsonField.isEmpty()) {
            return document(fields);
        }
        List<String> values = fields.getOrDefault(jsonField.get(), List.of());
        if (values.size() != 1) {
            throw new IllegalArgumentException("the form must have the field " + jsonField.get() + " exactly once");
        }
        return json(values.get(0).getBytes(UTF_8));
    }

    private static String text(byte[] body) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("the body is not UTF-8");
        }
    }

    private static JsonNode json(byte[] body) {
        try {
            JsonNode json = ExactJson.readStrictly(body);
            if (!json.isMissingNode()) {
                return json;
            }
        } catch (JacksonException e) {
            TokenStreamLocation at = e.getLocation();
            throw new IllegalArgumentException("the body is not JSON"
                    + (at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")"));
        }
        throw new IllegalArgumentException("the body is empty");
    }

    /** The fields of a form, or the parameters of a query. */
    static Map<String, List<String>> fields(String encoded) {
        Map<String, List<String>> fields = new LinkedHashMap<>();
        String[] each = encoded.split("&", MOST_FIELDS + 1);
        if (each.length > MOST_FIELDS) {
            throw new IllegalArgumentException("there are more than " + MOST_FIELDS + " fields");
        }
        for (String field : each) {
            if (!field.isEmpty()) {
                int sign = field.indexOf('=');
                String name = sign < 0 ? field : field.substring(0, sign);
                String value = sign < 0 ? "" : field.substring(sign + 1);
                fields.computeIfAbsent(decoded(name), unused -> new ArrayList<>())
                        .add(decoded(value));
            }
        }
        return fields;
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text, UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("a percent sign is not followed by two hexadecimal digits");
        }
    }

    private static ObjectNode document(Map<String, List<String>> fields) {
        ObjectNode document = JsonNodeFactory.instance.objectNode();
        fields.forEach((name, values) -> {
            if (values.size() == 1) {
                document.put(name, values.get(0));
            } else {
                ArrayNode array = document.putArray(name);
                values.forEach(array::add);
            }
        });
        return document;
    }
}
