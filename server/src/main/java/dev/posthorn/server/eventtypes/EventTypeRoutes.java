package dev.posthorn.server.eventtypes;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code /v1/event-types}: the registry of the installation. Every key may read it, service keys may write. */
public final class EventTypeRoutes {
    private static final String SHOW = """
            jsonb_build_object('name', t.name, 'description', t.description, 'schema', t.schema, 'archived_at', t.archived_at,
                               'created_at', t.created_at, 'updated_at', t.updated_at)
            """;
    private static final String CREATE = """
            INSERT INTO posthorn.event_types AS t (name, description, schema)
            VALUES (?::text, coalesce(?::text, ''), ?::jsonb)
            RETURNING
            """ + SHOW;
    private static final String LIST = "SELECT coalesce(jsonb_agg(" + SHOW
            + " ORDER BY t.name), '[]') FROM posthorn.event_types AS t WHERE t.archived_at IS NULL";
    private static final String READ = "SELECT " + SHOW + " FROM posthorn.event_types AS t WHERE t.name = ?::text";
    private static final String CHANGE = """
            UPDATE posthorn.event_types AS t
            SET description = coalesce(?::text, t.description), schema = CASE WHEN ?::boolean THEN ?::jsonb ELSE t.schema END
            WHERE t.name = ?::text
            RETURNING
            """ + SHOW;
    private static final String ARCHIVE = """
            UPDATE posthorn.event_types AS t SET archived_at = coalesce(t.archived_at, posthorn.clock_now())
            WHERE t.name = ?::text
            RETURNING t.name
            """;

    private EventTypeRoutes() {}

    /** Adds the routes. */
    public static void add(Api api) {
        api.post("/event-types", EventTypeRoutes::create);
        api.get("/event-types", request -> {
            request.require("webhooks:read");
            request.answer(200, "{\"data\":" + request.database().one(LIST).orElse("[]") + ",\"next_cursor\":null}");
        });
        api.get("/event-types/{name}", request -> {
            request.require("webhooks:read");
            request.answer(200, found(request, READ, name(request)));
        });
        api.patch("/event-types/{name}", request -> {
            request.requireService("webhooks:write");
            JsonNode body = request.body(List.of("description", "schema"));
            request.answer(
                    200,
                    found(
                            request,
                            CHANGE,
                            ApiRequest.text(body, "description"),
                            body.has("schema"),
                            schema(body),
                            name(request)));
        });
        api.delete("/event-types/{name}", request -> {
            request.requireService("webhooks:write");
            found(request, ARCHIVE, name(request));
            request.http().status(204);
        });
    }

    private static void create(ApiRequest request) throws SQLException {
        request.requireService("webhooks:write");
        JsonNode body = request.body(List.of("name", "description", "schema"));
        String name = ApiRequest.requiredText(body, "name");
        if (AcceptedEvent.isReserved(name)) {
            throw Problem.invalid("/name", AcceptedEvent.RESERVED_TYPE);
        }
        request.answer(
                201,
                request.database()
                        .one(CREATE, name, ApiRequest.text(body, "description"), schema(body))
                        .orElseThrow());
    }

    private static String name(ApiRequest request) {
        return request.http().pathParam("name");
    }

    private static String found(ApiRequest request, String sql, @Nullable Object... arguments) throws SQLException {
        return request.database().one(sql, arguments).orElseThrow(() -> Problem.notFound("event type"));
    }

    private static @Nullable String schema(JsonNode body) {
        JsonNode schema = body.get("schema");
        if (schema == null || schema.isNull()) {
            return null;
        }
        if (!schema.isObject() && !schema.isBoolean()) {
            throw Problem.invalid("/schema", "schema must be an object, true or false");
        }
        PayloadSchemas.compile(schema.toString());
        return schema.toString();
    }
}
