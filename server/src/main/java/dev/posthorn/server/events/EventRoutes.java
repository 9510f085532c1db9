package dev.posthorn.server.events;

import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.delivery.engine.DeliveryEngine;
import dev.posthorn.delivery.store.StoredEvent;
import dev.posthorn.server.eventtypes.PayloadSchemas;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/communities/{community}/events}: queue and look. */
public final class EventRoutes {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String BASE = "/communities/{community}/events";

    private static final String SHOW = """
            json_build_object('id', v.id, 'event_type', v.event_type, 'payload', v.payload, 'idempotency_key', v.idempotency_key,
                              'deliveries', v.deliveries, 'skipped', v.skipped, 'created_at', v.created_at)
            FROM posthorn.webhook_events AS v
            """;
    private static final String LIST = ApiRequest.PAGE + "SELECT " + SHOW + """
            CROSS JOIN page
            WHERE v.community_id = ? AND (page.below IS NULL OR v.id < page.below) AND coalesce(v.event_type = ?::text, true)
            ORDER BY v.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String READ = """
            SELECT json_build_object(
                'id', v.id, 'event_type', v.event_type, 'payload', v.payload, 'idempotency_key', v.idempotency_key,
                'skipped', v.skipped, 'created_at', v.created_at,
                'deliveries', (
                    SELECT coalesce(json_agg(json_build_object(
                        'id', d.id, 'endpoint_id', d.endpoint_id, 'status', d.status, 'attempt_count', d.attempt_count,
                        'next_attempt_at', d.next_attempt_at, 'parked_at', d.parked_at, 'last_status_code', d.last_status_code,
                        'last_error', d.last_error) ORDER BY d.id), '[]')
                    FROM posthorn.webhook_deliveries AS d
                    WHERE d.id BETWEEN posthorn.first_delivery_id(v.id) AND posthorn.last_delivery_id(v.id) AND d.event_id = v.id))
            FROM posthorn.webhook_events AS v
            WHERE v.community_id = ? AND v.id = ?
            """;

    private final DeliveryEngine engine;
    private final PayloadSchemas schemas;

    private EventRoutes(DeliveryEngine engine, PayloadSchemas schemas) {
        this.engine = engine;
        this.schemas = schemas;
    }

    /** Adds the routes. */
    public static void add(Api api, DeliveryEngine engine, PayloadSchemas schemas) {
        EventRoutes routes = new EventRoutes(engine, schemas);
        api.post(BASE, routes::queue);
        api.post(BASE + "/batch", routes::queueBatch);
        api.get(
                BASE,
                request -> request.answerPage(
                        LIST, request.community("events:read"), request.http().queryParam("event_type")));
        api.get(BASE + "/{event}", request -> {
            UUID community = request.community("events:read");
            request.answer(
                    200,
                    request.database()
                            .one(READ, community, request.id("event", "event"))
                            .orElseThrow(() -> Problem.notFound("event")));
        });
    }

    private void queue(ApiRequest request) throws SQLException, InterruptedException {
        UUID community = request.community("events:write");
        AcceptedEvent event = new EventBody(community, request.http().body())
                .one(request.http().header("Idempotency-Key"));
        schemas.check(event.eventType(), event.payload(), "/payload");
        switch (engine.queue(List.of(event)).get(0)) {
            case StoredEvent.Queued queued -> request.answer(202, JSON.writeValueAsString(show(queued)));
            case StoredEvent.Refused refused -> throw refusal(refused);
        }
    }

    private void queueBatch(ApiRequest request) throws SQLException, InterruptedException {
        UUID community = request.community("events:write");
        List<AcceptedEvent> events = new EventBody(community, request.http().body()).batch();
        for (int i = 0; i < events.size(); i++) {
            schemas.check(events.get(i).eventType(), events.get(i).payload(), "/events/" + i + "/payload");
        }
        ArrayNode data = JSON.createArrayNode();
        List<StoredEvent> stored = events.isEmpty() ? new ArrayList<>() : engine.queue(events);
        for (StoredEvent event : stored) {
            data.add(
                    switch (event) {
                        case StoredEvent.Queued queued -> show(queued);
                        case StoredEvent.Refused refused ->
                            JSON.createObjectNode().put("error", refused.code()).put("detail", refused.message());
                    });
        }
        request.answer(202, "{\"data\":" + JSON.writeValueAsString(data) + "}");
    }

    private static ObjectNode show(StoredEvent.Queued queued) {
        return JSON.createObjectNode()
                .put("id", queued.eventId().toString())
                .put("deliveries", queued.deliveries())
                .put("skipped", queued.skipped())
                .put("duplicate", queued.duplicate());
    }

    private static Problem refusal(StoredEvent.Refused refused) {
        return switch (refused.code()) {
            case "PH001" -> Problem.notFound("community");
            case "PH003" -> Problem.tooLarge(refused.message());
            case "PH004", "55P03" -> Problem.conflict(refused.message());
            default -> Problem.invalid(refused.code().equals("PH002") ? "/event_type" : "", refused.message());
        };
    }
}
