package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.RecordMapping;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A configuration, read.
 *
 * @param post whether requests carry a body, else they are {@code GET}
 * @param base what every request that begins at {@code url} says
 * @param increment empty: everything is read each time
 * @param interval between the beginnings of two requests; zero for none
 * @param largestPage in bytes
 */
record HttpJsonSettings(
        String url,
        boolean post,
        Parameters base,
        List<Map.Entry<String, String>> headers,
        RecordMapping mapping,
        Pager pager,
        Optional<Increment> increment,
        Duration interval,
        Duration deadline,
        int largestPage) {
    /** What others set, or what would be a secret in the clear. */
    private static final Set<String> NOT_FOR_HEADERS = Set.of(
            "authorization",
            "proxy-authorization",
            "cookie",
            "host",
            "content-length",
            "content-type",
            "transfer-encoding",
            "connection",
            "upgrade",
            "expect",
            "te",
            "trailer",
            "accept-encoding");

    /** @throws ConnectorException of class {@link Failure#CONFIGURATION} for what the JSON Schema cannot say */
    static HttpJsonSettings of(JsonNode configuration) throws ConnectorException {
        try {
            return read(configuration);
        } catch (IllegalArgumentException e) {
            throw new ConnectorException(Failure.CONFIGURATION, "the configuration cannot be used: " + e.getMessage());
        }
    }

    private static HttpJsonSettings read(JsonNode configuration) {
        Map<String, String> query = new LinkedHashMap<>();
        configuration
                .path("query")
                .properties()
                .forEach(each -> query.put(each.getKey(), each.getValue().asString()));
        boolean post = configuration.path("method").asString("GET").equals("POST");
        ObjectNode body = configuration.path("body") instanceof ObjectNode given
                ? given.deepCopy()
                : JsonNodeFactory.instance.objectNode();
        double perSecond = configuration.path("requests_per_second").asDouble(0);
        if (!post && sendsBody(configuration)) {
            throw new IllegalArgumentException(
                    "something is to be put into the body, which only \"method\": \"POST\" has");
        }
        return new HttpJsonSettings(
                configuration.path("url").asString(""),
                post,
                new Parameters(query, body),
                headers(configuration.path("headers")),
                RecordMapping.of(configuration.path("records")),
                Pager.of(configuration.path("pagination")),
                configuration.has("incremental")
                        ? Optional.of(Increment.of(configuration.path("incremental")))
                        : Optional.empty(),
                perSecond > 0 ? Duration.ofNanos((long) (1e9 / perSecond)) : Duration.ZERO,
                Duration.ofSeconds(configuration.path("timeout_seconds").asInt(60)),
                configuration.path("largest_page_bytes").asInt(8 * 1024 * 1024));
    }

    private static boolean sendsBody(JsonNode configuration) {
        JsonNode pagination = configuration.path("pagination");
        return configuration.has("body")
                || pagination.path("to").has("body")
                || pagination.path("size_to").has("body")
                || configuration.path("incremental").path("to").has("body");
    }

    private static List<Map.Entry<String, String>> headers(JsonNode configured) {
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        boolean accept = false;
        for (Map.Entry<String, JsonNode> header : configured.properties()) {
            String name = header.getKey().toLowerCase(Locale.ROOT);
            if (NOT_FOR_HEADERS.contains(name)) {
                throw new IllegalArgumentException("headers must not have " + header.getKey()
                        + "; what logs in belongs into auth and the credentials, the rest is set by Posthorn");
            }
            accept |= name.equals("accept");
            headers.add(Map.entry(header.getKey(), header.getValue().asString()));
        }
        if (!accept) {
            headers.add(Map.entry("Accept", "application/json"));
        }
        return headers;
    }
}
