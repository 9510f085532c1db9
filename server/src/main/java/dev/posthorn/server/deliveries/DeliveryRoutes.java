package dev.posthorn.server.deliveries;

import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** {@code /v1/communities/{community}/deliveries}: watch and repair. */
public final class DeliveryRoutes {
    private static final String BASE = "/communities/{community}/deliveries";

    private static final String FIELDS = """
            jsonb_build_object(
                'id', d.id, 'event_id', d.event_id, 'endpoint_id', d.endpoint_id, 'event_type', d.event_type, 'status', d.status,
                'attempt_count', d.attempt_count, 'max_attempts', d.max_attempts, 'next_attempt_at', d.next_attempt_at,
                'parked_at', d.parked_at, 'ended_at', d.ended_at, 'last_status_code', d.last_status_code, 'last_error', d.last_error,
                'created_at', d.created_at)
            """;
    private static final String SHOW = FIELDS + " FROM posthorn.webhook_deliveries AS d ";
    private static final String READ = "SELECT " + SHOW + " WHERE d.community_id = ? AND d.id = ?";
    private static final String FILTERED = """
            AND (page.below IS NULL OR d.id < page.below)
            AND coalesce(d.status = ?::posthorn.webhook_status, true)
            AND coalesce(d.event_type = ?::text, true)
            """;
    private static final String NEWEST = """
            ORDER BY d.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String LIST_OF_ENDPOINT = ApiRequest.PAGE + "SELECT " + SHOW
            + " CROSS JOIN page WHERE d.community_id = ? AND d.endpoint_id = ?::uuid " + FILTERED + NEWEST;
    private static final String LIST_UNFINISHED = ApiRequest.PAGE + "SELECT " + SHOW
            + " CROSS JOIN page WHERE d.community_id = ? AND d.stage IN ('ready', 'waiting', 'parked', 'dead') "
            + FILTERED + NEWEST;
    /** Along the community's events: there is an index on those, and the ids of deliveries follow theirs. */
    private static final String LIST = ApiRequest.PAGE + """
            SELECT d.shown
            FROM page
            CROSS JOIN posthorn.webhook_events AS v
            CROSS JOIN LATERAL (
                SELECT d.id, %s AS shown
                FROM posthorn.webhook_deliveries AS d
                WHERE d.id BETWEEN posthorn.first_delivery_id(v.id) AND posthorn.last_delivery_id(v.id) AND d.event_id = v.id
                %s
                ORDER BY d.id DESC
            ) AS d
            WHERE v.community_id = ?
              AND (page.below IS NULL OR posthorn.first_delivery_id(v.id) < page.below)
            ORDER BY v.id DESC, d.id DESC
            LIMIT (SELECT size FROM page)
            """.formatted(FIELDS, FILTERED);

    private static final String ATTEMPTS = """
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'number', a.number, 'outcome', a.outcome, 'status_code', a.status_code, 'error_class', a.error_class, 'error', a.error,
                'duration_ms', a.duration_ms, 'response_excerpt', a.response_excerpt, 'recorded_at', a.recorded_at) ORDER BY a.recorded_at, a.id), '[]')
            FROM posthorn.webhook_attempts AS a
            WHERE a.community_id = ? AND a.delivery_id = ?
            """;
    private static final String RETRY = "SELECT posthorn.retry_dead_letter(?)";
    private static final String CANCEL = "SELECT posthorn.cancel_webhook_delivery(?)";
    private static final String STATS = """
            SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM posthorn.webhook_delivery_stats AS s WHERE s.community_id = ?
            """;

    private DeliveryRoutes() {}

    /** Adds the routes. */
    public static void add(Api api) {
        String one = BASE + "/{delivery}";
        api.get(BASE, DeliveryRoutes::list);
        api.get(one, request -> request.answer(200, read(request, "webhooks:read")));
        api.get(one + "/attempts", request -> {
            read(request, "webhooks:read");
            request.answer(
                    200,
                    "{\"data\":"
                            + request.database()
                                    .one(ATTEMPTS, request.community("webhooks:read"), id(request))
                                    .orElse("[]")
                            + ",\"next_cursor\":null}");
        });
        api.post(one + "/retry", request -> act(request, RETRY));
        api.post(one + "/cancel", request -> act(request, CANCEL));
        api.get(
                "/communities/{community}/stats",
                request -> request.answer(
                        200,
                        "{\"data\":"
                                + request.database()
                                        .one(STATS, request.community("webhooks:read"))
                                        .orElse("[]") + "}"));
    }

    private static void list(ApiRequest request) throws SQLException {
        UUID community = request.community("webhooks:read");
        String status = query(request, "status");
        String endpoint = query(request, "endpoint_id");
        String type = query(request, "event_type");
        if (endpoint != null) {
            request.answerPage(LIST_OF_ENDPOINT, community, endpoint, status, type);
        } else if (status != null && !status.equals("delivered") && !status.equals("failed")) {
            request.answerPage(LIST_UNFINISHED, community, status, type);
        } else {
            request.answerPage(LIST, status, type, community);
        }
    }

    private static void act(ApiRequest request, String sql) throws SQLException {
        read(request, "webhooks:write");
        request.database().one(sql, id(request));
        request.answer(200, read(request, "webhooks:write"));
    }

    private static String read(ApiRequest request, String scope) throws SQLException {
        return request.database()
                .one(READ, request.community(scope), id(request))
                .orElseThrow(() -> Problem.notFound("delivery"));
    }

    private static UUID id(ApiRequest request) {
        return request.id("delivery", "delivery");
    }

    private static @Nullable String query(ApiRequest request, String name) {
        return request.http().queryParam(name);
    }
}
