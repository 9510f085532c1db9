package dev.posthorn.server.endpoints;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.EndpointCredentials;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code /v1/communities/{community}/endpoints}: subscriptions, their switches and their credentials. */
public final class EndpointRoutes {
    static final String BASE = "/communities/{community}/endpoints";

    private static final String SHOW = """
            jsonb_build_object(
                'id', e.id, 'community_id', e.community_id, 'url', e.url, 'description', e.description,
                'event_types', to_jsonb(e.event_types), 'filter', e.filter::text, 'payload_format', e.payload_format,
                'max_in_flight', e.max_in_flight, 'timeout_seconds', e.timeout_seconds, 'max_attempts', e.max_attempts,
                'retry_schedule', (SELECT jsonb_agg(extract(epoch FROM step) ORDER BY place)
                                   FROM unnest(e.retry_schedule) WITH ORDINALITY AS s (step, place)),
                'rate_limit', e.rate_limit, 'rate_period', e.rate_period,
                'ordering', e.ordering, 'ordering_key', e.ordering_key::text, 'on_dead_letter', e.on_dead_letter,
                'signature_schemes', to_jsonb(e.signature_schemes), 'signature_header', e.signature_header, 'trusted_ca', e.trusted_ca,
                'headers', coalesce(c.shown->'headers', '{}'), 'authentication', coalesce(c.shown->'authentication', '{"type": "none"}'),
                'client_certificate', c.shown->'client_certificate',
                'enabled', e.enabled, 'state', e.state, 'circuit', e.circuit, 'next_probe_at', e.next_probe_at,
                'in_flight_limit', e.in_flight_limit, 'disabled_at', e.disabled_at, 'disabled_reason', e.disabled_reason,
                'consecutive_failures', e.consecutive_failures, 'last_success_at', e.last_success_at,
                'last_failure_at', e.last_failure_at, 'last_error', e.last_error, 'filter_errors', e.filter_errors,
                'created_at', e.created_at, 'updated_at', e.updated_at)
            FROM posthorn.webhook_endpoint_status AS e
            CROSS JOIN LATERAL (
                SELECT jsonb_object_agg(k.kind, k.description) AS shown
                FROM posthorn.webhook_endpoint_credentials AS k
                WHERE k.endpoint_id = e.id
            ) AS c
            """;
    static final String READ = "SELECT " + SHOW + " WHERE e.community_id = ? AND e.id = ? AND e.deleted_at IS NULL";
    private static final String LIST = ApiRequest.PAGE + "SELECT " + SHOW + """
            CROSS JOIN page
            WHERE e.community_id = ? AND e.deleted_at IS NULL AND (page.below IS NULL OR e.id < page.below)
            ORDER BY e.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String CREATE = """
            INSERT INTO posthorn.webhook_endpoints (community_id, url, enabled) VALUES (?, ?::text, coalesce(?::boolean, true)) RETURNING id
            """;
    private static final String CHANGE = """
            UPDATE posthorn.webhook_endpoints AS e
            SET url = CASE WHEN ?::boolean THEN ?::text ELSE e.url END,
                description = CASE WHEN ?::boolean THEN ?::text ELSE e.description END,
                event_types = CASE WHEN ?::boolean THEN ?::text[] ELSE e.event_types END,
                filter = CASE WHEN ?::boolean THEN ?::jsonpath ELSE e.filter END,
                payload_format = CASE WHEN ?::boolean THEN ?::text ELSE e.payload_format END,
                max_in_flight = CASE WHEN ?::boolean THEN ?::integer ELSE e.max_in_flight END,
                timeout_seconds = CASE WHEN ?::boolean THEN ?::integer ELSE e.timeout_seconds END,
                max_attempts = CASE WHEN ?::boolean THEN ?::integer ELSE e.max_attempts END,
                retry_schedule = CASE WHEN ?::boolean THEN ?::interval[] ELSE e.retry_schedule END,
                rate_limit = CASE WHEN ?::boolean THEN ?::integer ELSE e.rate_limit END,
                rate_period = CASE WHEN ?::boolean THEN ?::text ELSE e.rate_period END,
                ordering = CASE WHEN ?::boolean THEN ?::text ELSE e.ordering END,
                ordering_key = CASE WHEN ?::boolean THEN ?::jsonpath ELSE e.ordering_key END,
                on_dead_letter = CASE WHEN ?::boolean THEN ?::text ELSE e.on_dead_letter END,
                signature_schemes = CASE WHEN ?::boolean THEN ?::text[] ELSE e.signature_schemes END,
                signature_header = CASE WHEN ?::boolean THEN ?::text ELSE e.signature_header END,
                trusted_ca = CASE WHEN ?::boolean THEN ?::text ELSE e.trusted_ca END
            WHERE e.community_id = ?::uuid AND e.id = ?::uuid AND e.deleted_at IS NULL
            RETURNING e.id
            """;
    private static final String SWITCH_ON = "SELECT posthorn.enable_webhook_endpoint(?)";
    private static final String SWITCH_OFF = "SELECT posthorn.disable_webhook_endpoint(?)";
    private static final String DELETE = "SELECT posthorn.delete_webhook_endpoint(?)";

    private final CredentialFields credentials;
    private final AddressPolicy addresses;

    private EndpointRoutes(CredentialFields credentials, AddressPolicy addresses) {
        this.credentials = credentials;
        this.addresses = addresses;
    }

    /** Adds the routes. */
    public static void add(Api api, EndpointCredentials vault, AddressPolicy addresses) {
        EndpointRoutes routes = new EndpointRoutes(new CredentialFields(vault, addresses), addresses);
        String one = BASE + "/{endpoint}";
        api.post(BASE, routes::create);
        api.get(BASE, request -> request.answerPage(LIST, request.community("webhooks:read")));
        api.get(one, request -> {
            UUID community = request.community("webhooks:read");
            request.answer(200, read(request, community, endpoint(request)));
        });
        api.patch(one, routes::change);
        api.delete(one, request -> {
            act(request, DELETE);
            request.http().status(204);
        });
        api.post(one + "/enable", request -> request.answer(200, act(request, SWITCH_ON)));
        api.post(one + "/disable", request -> request.answer(200, act(request, SWITCH_OFF)));
    }

    private void create(ApiRequest request) throws SQLException {
        UUID community = request.community("webhooks:write");
        JsonNode body = request.body(EndpointFields.WITH_CREDENTIALS);
        String url = EndpointFields.url(body, addresses);
        String created = request.database().transaction(connection -> {
            UUID id = UUID.fromString(ApiDatabase.rows(connection, CREATE, community, url, EndpointFields.enabled(body))
                    .get(0));
            update(connection, body, community, id);
            storeCredentials(connection, id, body);
            return ApiDatabase.rows(connection, READ, community, id).get(0);
        });
        request.answer(201, created);
    }

    private void change(ApiRequest request) throws SQLException {
        UUID community = request.community("webhooks:write");
        UUID id = endpoint(request);
        JsonNode body = request.body(EndpointFields.WITH_CREDENTIALS);
        Boolean enabled = EndpointFields.enabled(body);
        String changed = request.database().transaction(connection -> {
            if (!update(connection, body, community, id)) {
                throw Problem.notFound("endpoint");
            }
            storeCredentials(connection, id, body);
            if (enabled != null) {
                ApiDatabase.rows(connection, enabled ? SWITCH_ON : SWITCH_OFF, id);
            }
            return ApiDatabase.rows(connection, READ, community, id).get(0);
        });
        request.answer(200, changed);
    }

    private boolean update(Connection connection, JsonNode body, UUID community, UUID id) throws SQLException {
        List<@Nullable Object> arguments = new ArrayList<>(EndpointFields.arguments(body, addresses));
        arguments.add(community);
        arguments.add(id);
        return !ApiDatabase.rows(connection, CHANGE, arguments.toArray()).isEmpty();
    }

    private void storeCredentials(Connection connection, UUID id, JsonNode body) throws SQLException {
        if (CredentialFields.anyIn(body)) {
            ApiDatabase.asService(connection, service -> credentials.store(service, id, body));
        }
    }

    private static String act(ApiRequest request, String sql) throws SQLException {
        UUID community = request.community("webhooks:write");
        UUID id = endpoint(request);
        String before = read(request, community, id);
        request.database().one(sql, id);
        return request.database().one(READ, community, id).orElse(before);
    }

    static String read(ApiRequest request, UUID community, UUID id) throws SQLException {
        return request.database().one(READ, community, id).orElseThrow(() -> Problem.notFound("endpoint"));
    }

    static UUID endpoint(ApiRequest request) {
        return request.id("endpoint", "endpoint");
    }
}
