package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.JsonPlace;
import tools.jackson.databind.JsonNode;

/** Where a value goes in a request: a query parameter, or a field of the body. */
sealed interface Placement {
    /** Puts it there. */
    void put(Parameters request, JsonNode value) throws ConnectorException;

    /** Reads {@code {"query": "page"}} or {@code {"body": "/page"}}. */
    static Placement of(JsonNode configuration) {
        return configuration.has("body")
                ? new BodyField(JsonPlace.of(configuration.path("body").asString()))
                : new QueryParameter(configuration.path("query").asString());
    }

    /** A parameter of the query; replaces one of the same name. */
    record QueryParameter(String name) implements Placement {
        @Override
        public void put(Parameters request, JsonNode value) {
            request.query().put(name, Parameters.text(value));
        }

        @Override
        public String toString() {
            return "the query parameter " + name;
        }
    }

    /** A field of the body; objects on the way to it are made. */
    record BodyField(JsonPlace place) implements Placement {
        @Override
        public void put(Parameters request, JsonNode value) throws ConnectorException {
            if (!place.put(request.body(), value)) {
                throw new ConnectorException(
                        Failure.CONFIGURATION,
                        "the body has something at " + place + " or on the way to it that is no object");
            }
        }

        @Override
        public String toString() {
            return "the field " + place + " of the body";
        }
    }
}
