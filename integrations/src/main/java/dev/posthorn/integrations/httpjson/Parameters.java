package dev.posthorn.integrations.httpjson;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a request says besides its address, as it is being filled in. For one thread.
 *
 * @param query by name, in order; the last value of a name holds
 * @param body to be sent; empty where there is none
 */
record Parameters(Map<String, String> query, ObjectNode body) {
    /** A copy that can be filled in. */
    Parameters copy() {
        return new Parameters(new LinkedHashMap<>(query), body.deepCopy());
    }

    /** The address with the query, whose names and values are encoded (RFC 3986). */
    String appendedTo(String url) {
        StringBuilder whole = new StringBuilder(url);
        char separator = url.indexOf('?') < 0 ? '?' : '&';
        for (Map.Entry<String, String> parameter : query.entrySet()) {
            whole.append(separator)
                    .append(encoded(parameter.getKey()))
                    .append('=')
                    .append(encoded(parameter.getValue()));
            separator = '&';
        }
        return whole.toString();
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }

    /** As it stands in a query. */
    static String text(JsonNode value) {
        return value.asString();
    }
}
