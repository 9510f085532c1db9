package dev.posthorn.server.communities;

import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code /v1/communities}: the tenants. */
public final class CommunityRoutes {
    private static final String SHOW = """
            jsonb_build_object('id', c.id, 'external_id', c.external_id, 'name', c.name, 'metadata', c.metadata,
                               'created_at', c.created_at, 'updated_at', c.updated_at)
            """;
    private static final String CREATE = """
            INSERT INTO posthorn.communities AS c (id, external_id, name, metadata)
            VALUES (coalesce(?::uuid, posthorn.generate_uuid_v7()), ?::text, ?::text, coalesce(?::jsonb, '{}'))
            RETURNING
            """ + SHOW;
    private static final String LIST = ApiRequest.PAGE + "SELECT " + SHOW + """
            FROM posthorn.communities AS c
            CROSS JOIN page
            WHERE c.deleted_at IS NULL AND (page.below IS NULL OR c.id < page.below)
            ORDER BY c.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String READ = "SELECT " + SHOW + " FROM posthorn.communities AS c WHERE c.id = ?";
    private static final String CHANGE = """
            UPDATE posthorn.communities AS c
            SET name = coalesce(?::text, c.name), metadata = coalesce(?::jsonb, c.metadata)
            WHERE c.id = ?
            RETURNING
            """ + SHOW;

    private CommunityRoutes() {}

    /** Adds the routes. */
    public static void add(Api api) {
        api.post("/communities", CommunityRoutes::create);
        api.get("/communities", request -> {
            request.requireService("communities:read");
            request.answerPage(LIST);
        });
        api.get(
                "/communities/{community}",
                request -> request.answer(
                        200,
                        request.database()
                                .one(READ, request.community("communities:read"))
                                .orElseThrow()));
        api.patch("/communities/{community}", CommunityRoutes::change);
    }

    private static void create(ApiRequest request) throws SQLException {
        request.requireService("communities:write");
        JsonNode body = request.body(List.of("id", "external_id", "name", "metadata"));
        String id = ApiRequest.text(body, "id");
        request.answer(
                201,
                request.database()
                        .one(
                                CREATE,
                                id == null ? null : uuid(id),
                                ApiRequest.text(body, "external_id"),
                                ApiRequest.requiredText(body, "name"),
                                json(body))
                        .orElseThrow());
    }

    private static void change(ApiRequest request) throws SQLException {
        UUID community = request.community("communities:write");
        JsonNode body = request.body(List.of("name", "metadata"));
        request.answer(
                200,
                request.database()
                        .one(CHANGE, ApiRequest.text(body, "name"), json(body), community)
                        .orElseThrow());
    }

    private static UUID uuid(String text) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("/id", "id must be a UUID");
        }
    }

    private static @Nullable String json(JsonNode body) {
        JsonNode metadata = body.get("metadata");
        if (metadata != null && !metadata.isObject()) {
            throw Problem.invalid("/metadata", "metadata must be an object");
        }
        return metadata == null ? null : metadata.toString();
    }
}
