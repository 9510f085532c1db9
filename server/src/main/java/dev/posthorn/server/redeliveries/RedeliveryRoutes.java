package dev.posthorn.server.redeliveries;

import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Jobs that send many deliveries anew: begun at an endpoint or by a filter, watched and cancelled under {@code …/redeliveries}. */
public final class RedeliveryRoutes {
    private static final String BASE = "/communities/{community}/redeliveries";

    private static final String SHOW = """
            jsonb_build_object(
                'id', r.id, 'community_id', r.community_id, 'what', r.what, 'endpoint_id', r.endpoint_id, 'event_type', r.event_type,
                'since', r.from_time, 'until', r.to_time, 'status', r.status, 'examined', r.examined, 'redelivered', r.redelivered,
                -- By the time that was gone through: how many events lie ahead is not known.
                'progress', CASE WHEN r.status = 'completed' THEN 1 ELSE
                    round((extract(epoch FROM posthorn.uuid_v7_time(r.reached_id) - r.from_time)
                           / extract(epoch FROM r.to_time - r.from_time))::numeric, 3) END,
                'created_at', r.created_at, 'updated_at', r.updated_at, 'ended_at', r.ended_at)
            FROM posthorn.webhook_redeliveries AS r
            """;
    private static final String READ = "SELECT " + SHOW + " WHERE r.community_id = ? AND r.id = ?";
    private static final String LIST = ApiRequest.PAGE + "SELECT " + SHOW + """
            CROSS JOIN page
            WHERE r.community_id = ? AND (page.below IS NULL OR r.id < page.below) AND coalesce(r.status = ?::text, true)
            ORDER BY r.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String START = """
            SELECT posthorn.start_webhook_redelivery(?::uuid::text, ?::text, ?::uuid, ?::text, ?::timestamptz, ?::timestamptz)
            """;
    private static final String CANCEL = "SELECT posthorn.cancel_webhook_redelivery(?)";

    private RedeliveryRoutes() {}

    /** Adds the routes. */
    public static void add(Api api) {
        api.post("/communities/{community}/endpoints/{endpoint}/redeliver", request -> {
            JsonNode body = request.body(List.of("what", "event_type", "since", "until"));
            start(request, ApiRequest.requiredText(body, "what"), request.id("endpoint", "endpoint"), body);
        });
        api.post("/communities/{community}/deliveries/retry", request -> {
            JsonNode body = request.body(List.of("endpoint_id", "event_type", "since", "until"));
            start(request, "failed", endpoint(body), body);
        });
        api.get(BASE, request -> {
            UUID community = request.community("webhooks:read");
            request.answerPage(LIST, community, request.http().queryParam("status"));
        });
        api.get(BASE + "/{redelivery}", request -> {
            UUID community = request.community("webhooks:read");
            request.answer(200, read(request, community, id(request)));
        });
        api.post(BASE + "/{redelivery}/cancel", request -> {
            UUID community = request.community("webhooks:write");
            read(request, community, id(request));
            request.database().one(CANCEL, id(request));
            request.answer(200, read(request, community, id(request)));
        });
    }

    private static void start(ApiRequest request, String what, @Nullable UUID endpoint, JsonNode body)
            throws SQLException {
        UUID community = request.community("webhooks:write");
        if (!List.of("failed", "missing", "all").contains(what)) {
            throw Problem.invalid("/what", "what must be failed, missing or all");
        }
        List<@Nullable Object> arguments = new ArrayList<>();
        arguments.add(community);
        arguments.add(what);
        arguments.add(endpoint);
        arguments.add(ApiRequest.text(body, "event_type"));
        arguments.add(ApiRequest.text(body, "since"));
        arguments.add(ApiRequest.text(body, "until"));
        if (arguments.get(4) == null && !what.equals("failed")) {
            throw Problem.invalid("/since", "since is missing: say from when on " + what + " is to be sent anew");
        }
        String job = request.database().one(START, arguments.toArray()).orElseThrow();
        request.answer(202, read(request, community, UUID.fromString(job)));
    }

    private static @Nullable UUID endpoint(JsonNode body) {
        String given = ApiRequest.text(body, "endpoint_id");
        try {
            return given == null ? null : UUID.fromString(given);
        } catch (IllegalArgumentException e) {
            throw Problem.notFound("endpoint");
        }
    }

    private static String read(ApiRequest request, UUID community, UUID id) throws SQLException {
        return request.database().one(READ, community, id).orElseThrow(() -> Problem.notFound("redelivery"));
    }

    private static UUID id(ApiRequest request) {
        return request.id("redelivery", "redelivery");
    }
}
