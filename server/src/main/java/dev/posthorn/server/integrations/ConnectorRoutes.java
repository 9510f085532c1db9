package dev.posthorn.server.integrations;

import dev.posthorn.integrations.Connectors;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.PushConnector;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/connectors}: what can be connected, with the JSON Schemas that forms are drawn from. */
public final class ConnectorRoutes {
    private ConnectorRoutes() {}

    /** Adds the routes. */
    public static void add(Api api, Connectors connectors) {
        api.get("/connectors", request -> {
            request.require("integrations:read");
            ObjectNode answer = ApiRequest.JSON.createObjectNode();
            ArrayNode data = answer.putArray("data");
            for (ConnectorDescription description : connectors.descriptions()) {
                data.add(show(connectors, description));
            }
            answer.putNull("next_cursor");
            request.answer(200, answer.toString());
        });
        api.get("/connectors/{connector}", request -> {
            request.require("integrations:read");
            String name = request.http().pathParam("connector");
            ConnectorDescription description = List.copyOf(connectors.descriptions()).stream()
                    .filter(known -> known.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> Problem.notFound("connector"));
            request.answer(200, show(connectors, description).toString());
        });
    }

    private static ObjectNode show(Connectors connectors, ConnectorDescription description) {
        ObjectNode shown = ApiRequest.JSON.createObjectNode();
        shown.put("name", description.name());
        shown.put("title", description.title());
        shown.put("description", description.description());
        shown.put(
                "direction",
                connectors.find(description.name()).orElseThrow() instanceof PushConnector ? "push" : "pull");
        shown.set("configuration", description.configuration());
        shown.set("credentials", description.credentials());
        return shown;
    }
}
