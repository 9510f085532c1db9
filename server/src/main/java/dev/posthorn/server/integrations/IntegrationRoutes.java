package dev.posthorn.server.integrations;

import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.integrations.run.ConnectionCheck;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/communities/{community}/integrations}: connections to other systems, their switches, their health and their issues. */
public final class IntegrationRoutes {
    static final String BASE = "/communities/{community}/integrations";
    static final String ONE = BASE + "/{integration}";

    private static final String SHOW = """
            jsonb_build_object(
                'id', c.id, 'community_id', c.community_id, 'name', c.name, 'connector', c.connector, 'config', c.config,
                'vault_secret_id', c.vault_secret_id, 'interval_seconds', c.interval_seconds, 'cron', c.cron, 'time_zone', c.time_zone,
                'stale_after_seconds', c.stale_after_seconds, 'max_deletions_percent', c.max_deletions_percent,
                'record_events', c.record_events, 'created_at', c.created_at, 'updated_at', c.updated_at,
                'health', s.health, 'person_must_act', s.person_must_act, 'open_issues', s.open_issues, 'issue', s.issue,
                'consecutive_failures', s.consecutive_failures, 'failing_since', s.failing_since,
                'last_success_at', s.last_success_at, 'last_failure_at', s.last_failure_at, 'stale_at', s.stale_at,
                'next_run_at', s.next_run_at, 'paused_at', s.paused_at, 'disabled_at', s.disabled_at,
                'last_run_id', s.last_run_id, 'active_run_id', s.active_run_id, 'active_run_status', s.active_run_status)
            FROM posthorn.integration_configs AS c
            JOIN posthorn.integration_status AS s ON s.integration_id = c.id
            """;
    private static final String READ =
            "SELECT " + SHOW + " WHERE c.community_id = ? AND c.id = ? AND c.deleted_at IS NULL";
    private static final String LIST = ApiRequest.PAGE + "SELECT " + SHOW + """
            CROSS JOIN page
            WHERE c.community_id = ? AND c.deleted_at IS NULL AND (page.below IS NULL OR c.id < page.below)
              AND coalesce(s.health = ?::text, true) AND coalesce(c.connector = ?::text, true)
            ORDER BY c.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String NEW_ID = "SELECT posthorn.generate_uuid_v7()";
    private static final String CREATE = """
            INSERT INTO posthorn.integration_configs (id, community_id, name, connector) VALUES (?, ?, ?::text, ?::text) RETURNING id
            """;
    private static final String CHANGE = """
            UPDATE posthorn.integration_configs AS c
            SET name = CASE WHEN ?::boolean THEN ?::text ELSE c.name END,
                config = CASE WHEN ?::boolean THEN ?::jsonb ELSE c.config END,
                vault_secret_id = CASE WHEN ?::boolean THEN ?::uuid ELSE c.vault_secret_id END,
                interval_seconds = CASE WHEN ?::boolean THEN ?::integer ELSE c.interval_seconds END,
                cron = CASE WHEN ?::boolean THEN ?::text ELSE c.cron END,
                time_zone = CASE WHEN ?::boolean THEN ?::text ELSE c.time_zone END,
                stale_after_seconds = CASE WHEN ?::boolean THEN ?::integer ELSE c.stale_after_seconds END,
                max_deletions_percent = CASE WHEN ?::boolean THEN ?::integer ELSE c.max_deletions_percent END,
                record_events = CASE WHEN ?::boolean THEN ?::boolean ELSE c.record_events END
            WHERE c.community_id = ?::uuid AND c.id = ?::uuid AND c.deleted_at IS NULL
            RETURNING c.connector
            """;
    private static final String SCHEDULE = """
            SELECT jsonb_build_object('cron', c.cron, 'time_zone', c.time_zone) FROM posthorn.integration_configs AS c WHERE c.id = ?
            """;
    private static final String DELETE = """
            UPDATE posthorn.integration_configs AS c SET deleted_at = posthorn.clock_now()
            WHERE c.community_id = ? AND c.id = ? AND c.deleted_at IS NULL
            """;
    private static final String ISSUES = ApiRequest.PAGE + """
            SELECT jsonb_build_object(
                'id', i.id, 'integration_id', i.integration_id, 'kind', i.kind, 'origin', i.origin,
                'person_must_act', i.person_must_act, 'message', i.message, 'occurrences', i.occurrences,
                'first_seen_at', i.first_seen_at, 'last_seen_at', i.last_seen_at, 'opened_at', i.opened_at, 'resolved_at', i.resolved_at)
            FROM posthorn.integration_issues AS i
            CROSS JOIN page
            WHERE i.community_id = ? AND i.integration_id = ? AND i.opened_at IS NOT NULL AND (page.below IS NULL OR i.id < page.below)
            ORDER BY i.id DESC
            LIMIT (SELECT size FROM page)
            """;

    private final IntegrationEngine engine;
    private final StoredCredentials credentials;

    private IntegrationRoutes(IntegrationEngine engine, StoredCredentials credentials) {
        this.engine = engine;
        this.credentials = credentials;
    }

    /** Adds the routes. */
    public static void add(Api api, IntegrationEngine engine, StoredCredentials credentials) {
        IntegrationRoutes routes = new IntegrationRoutes(engine, credentials);
        api.post(BASE, routes::create);
        api.get(BASE, request -> {
            UUID community = request.community("integrations:read");
            request.answerPage(
                    LIST,
                    community,
                    request.http().queryParam("health"),
                    request.http().queryParam("connector"));
        });
        api.get(ONE, request -> {
            UUID community = request.community("integrations:read");
            request.answer(200, read(request, community));
        });
        api.patch(ONE, routes::change);
        api.delete(ONE, routes::delete);
        api.put(ONE + "/credentials", routes::storeCredentials);
        api.delete(ONE + "/credentials", routes::removeCredentials);
        api.post(ONE + "/check", routes::check);
        api.post(ONE + "/pause", request -> act(request, "SELECT posthorn.pause_integration(?)"));
        api.post(ONE + "/resume", request -> {
            act(request, "SELECT posthorn.resume_integration(?)");
            engine.wake();
        });
        api.get(ONE + "/issues", request -> {
            UUID community = request.community("integrations:read");
            read(request, community);
            request.answerPage(ISSUES, community, id(request));
        });
    }

    private void create(ApiRequest request) throws SQLException {
        UUID community = request.community("integrations:write");
        JsonNode body = request.body(IntegrationFields.TO_CREATE);
        String name = ApiRequest.requiredText(body, "name");
        String connector = ApiRequest.requiredText(body, "connector");
        List<@Nullable Object> arguments = new ArrayList<>(IntegrationFields.arguments(body));
        IntegrationFields.checkConfiguration(engine.connectors(), connector, IntegrationFields.config(body));
        Optional<JsonNode> given = IntegrationFields.credentials(engine.connectors(), connector, body);
        UUID id = UUID.fromString(request.database().one(NEW_ID).orElseThrow());
        // First, so that there is no integration that lacks them, whatever fails when.
        Optional<UUID> secret = given.isPresent()
                ? Optional.of(credentials.put(request, community, id, given.get()))
                : Optional.empty();
        String created;
        try {
            created = request.database().transaction(connection -> {
                ApiDatabase.rows(connection, CREATE, id, community, name, connector);
                update(connection, arguments, community, id);
                if (secret.isPresent()) {
                    StoredCredentials.use(connection, id, secret.get());
                }
                return ApiDatabase.rows(connection, READ, community, id).get(0);
            });
        } catch (SQLException | RuntimeException e) {
            secret.ifPresent(put -> credentials.withdraw(request, community, put));
            throw e;
        }
        if (secret.isPresent()) {
            request.http().header("Cache-Control", "no-store");
        }
        request.answer(201, created);
        engine.wake();
    }

    private void change(ApiRequest request) throws SQLException {
        UUID community = request.community("integrations:write");
        UUID id = id(request);
        JsonNode body = request.body(IntegrationFields.TO_CHANGE);
        List<@Nullable Object> arguments = new ArrayList<>(IntegrationFields.arguments(body));
        String changed = request.database().transaction(connection -> {
            String connector = update(connection, arguments, community, id);
            if (body.has("config")) {
                IntegrationFields.checkConfiguration(engine.connectors(), connector, body.get("config"));
            }
            return ApiDatabase.rows(connection, READ, community, id).get(0);
        });
        request.answer(200, changed);
        engine.wake();
    }

    /** Returns the connector; what does not fit rolls all back. */
    private static String update(Connection connection, List<@Nullable Object> fields, UUID community, UUID id)
            throws SQLException {
        List<@Nullable Object> arguments = new ArrayList<>(fields);
        arguments.add(community);
        arguments.add(id);
        List<String> changed = ApiDatabase.rows(connection, CHANGE, arguments.toArray());
        if (changed.isEmpty()) {
            throw Problem.notFound("integration");
        }
        JsonNode schedule = ApiRequest.JSON.readTree(
                ApiDatabase.rows(connection, SCHEDULE, id).get(0));
        JsonNode cron = schedule.required("cron");
        IntegrationFields.checkSchedule(
                cron.isNull() ? null : cron.stringValue(),
                schedule.required("time_zone").stringValue());
        return changed.get(0);
    }

    private void delete(ApiRequest request) throws SQLException {
        UUID community = request.community("integrations:write");
        read(request, community);
        request.database().rows(DELETE, community, id(request));
        credentials.delete(request, community, id(request));
        request.http().status(204);
    }

    private void storeCredentials(ApiRequest request) throws SQLException {
        UUID community = request.community("integrations:write");
        JsonNode integration = ApiRequest.JSON.readTree(read(request, community));
        String connector = integration.required("connector").stringValue();
        JsonNode body = request.body();
        IntegrationFields.checkCredentials(engine.connectors(), connector, "", body);
        credentials.store(request, community, id(request), body);
        request.http().header("Cache-Control", "no-store");
        request.answer(200, read(request, community));
        engine.wake();
    }

    private void removeCredentials(ApiRequest request) throws SQLException {
        UUID community = request.community("integrations:write");
        read(request, community);
        credentials.delete(request, community, id(request));
        request.http().status(204);
    }

    private void check(ApiRequest request) throws SQLException, InterruptedException {
        UUID community = request.community("integrations:write");
        read(request, community);
        ConnectionCheck.Outcome outcome = engine.check(id(request)).orElseThrow(() -> Problem.notFound("integration"));
        ObjectNode answer = ApiRequest.JSON.createObjectNode();
        Failure failure = outcome.failure();
        answer.put("ok", failure == null);
        answer.put("message", outcome.message());
        if (failure == null) {
            answer.putNull("error_class");
            answer.putNull("error_origin");
            answer.put("person_must_act", false);
        } else {
            answer.put("error_class", failure.code());
            answer.put("error_origin", failure.origin().name().toLowerCase(Locale.ROOT));
            answer.put("person_must_act", failure.personMustAct());
        }
        ArrayNode log = answer.putArray("log");
        outcome.log().forEach(log::add);
        request.answer(200, answer.toString());
    }

    private static void act(ApiRequest request, String sql) throws SQLException {
        UUID community = request.community("integrations:write");
        read(request, community);
        request.database().one(sql, id(request));
        request.answer(200, read(request, community));
    }

    static String read(ApiRequest request, UUID community) throws SQLException {
        return request.database().one(READ, community, id(request)).orElseThrow(() -> Problem.notFound("integration"));
    }

    static UUID id(ApiRequest request) {
        return request.id("integration", "integration");
    }
}
