package dev.posthorn.server.integrations;

import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

/** {@code …/integrations/{integration}/runs} and {@code …/records}: what was read, when, and what came of it. */
public final class RunRoutes {
    private static final String RUNS = IntegrationRoutes.ONE + "/runs";
    private static final String RUN = RUNS + "/{run}";
    private static final String RECORDS = IntegrationRoutes.ONE + "/records";
    private static final int LINES = 250;

    private static final String SHOW_RUN = """
            jsonb_build_object(
                'id', r.id, 'integration_id', r.integration_id, 'trigger', r.trigger, 'status', r.status, 'requested_by', r.requested_by,
                'created_at', r.created_at, 'started_at', r.started_at, 'ended_at', r.ended_at, 'attempt', r.attempt,
                'next_attempt_at', r.next_attempt_at, 'cancel_requested_at', r.cancel_requested_at, 'snapshot', r.snapshot,
                'cursor_from', r.cursor_from, 'cursor_to', r.cursor_to, 'batches', r.batches, 'records_read', r.records_read,
                'records_created', r.records_created, 'records_updated', r.records_updated, 'records_unchanged', r.records_unchanged,
                'records_deleted', r.records_deleted, 'records_rejected', r.records_rejected, 'error_class', r.error_class,
                'error_origin', r.error_origin, 'error_message', r.error_message, 'person_must_act', r.person_must_act,
                'log_lines', r.log_lines)
            FROM posthorn.integration_sync_logs AS r
            """;
    private static final String READ_RUN =
            "SELECT " + SHOW_RUN + " WHERE r.community_id = ? AND r.integration_id = ? AND r.id = ?";
    private static final String LIST_RUNS = ApiRequest.PAGE + "SELECT " + SHOW_RUN + """
            CROSS JOIN page
            WHERE r.community_id = ? AND r.integration_id = ? AND (page.below IS NULL OR r.id < page.below)
              AND coalesce(r.status = ?::text, true) AND coalesce(r.trigger = ?::text, true)
            ORDER BY r.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String START = "SELECT posthorn.start_sync_run(?)";
    private static final String CANCEL = "SELECT posthorn.cancel_sync_run(?)";
    private static final String LOG = """
            SELECT jsonb_build_object('number', l.number, 'at', posthorn.uuid_v7_time(l.id), 'level', l.level, 'line', l.line)
            FROM posthorn.integration_log_lines AS l
            WHERE l.community_id = ? AND l.run_id = ? AND l.number > ?::integer
            ORDER BY l.number
            LIMIT ?::integer
            """;
    private static final String SHOW_RECORD = """
            jsonb_build_object(
                'id', r.id, 'integration_id', r.integration_id, 'type', r.type, 'external_id', r.external_id, 'data', r.data,
                'run_id', r.run_id, 'created_at', r.created_at, 'updated_at', r.updated_at, 'deleted_at', r.deleted_at)
            FROM posthorn.integration_records AS r
            """;
    private static final String READ_RECORD =
            "SELECT " + SHOW_RECORD + " WHERE r.community_id = ? AND r.integration_id = ? AND r.id = ?";
    private static final String LIST_RECORDS = ApiRequest.PAGE + "SELECT " + SHOW_RECORD + """
            CROSS JOIN page
            WHERE r.community_id = ? AND r.integration_id = ? AND (page.below IS NULL OR r.id < page.below)
              AND coalesce(r.type = ?::text, true) AND coalesce(r.external_id = ?::text, true)
              AND (?::boolean OR r.deleted_at IS NULL)
            ORDER BY r.id DESC
            LIMIT (SELECT size FROM page)
            """;

    private RunRoutes() {}

    /** Adds the routes. */
    public static void add(Api api, IntegrationEngine engine) {
        api.post(RUNS, request -> {
            UUID community = request.community("integrations:write");
            IntegrationRoutes.read(request, community);
            UUID run = UUID.fromString(
                    request.database().one(START, IntegrationRoutes.id(request)).orElseThrow());
            engine.wake();
            request.answer(202, readRun(request, community, run));
        });
        api.get(RUNS, request -> {
            UUID community = request.community("integrations:read");
            IntegrationRoutes.read(request, community);
            request.answerPage(
                    LIST_RUNS,
                    community,
                    IntegrationRoutes.id(request),
                    request.http().queryParam("status"),
                    request.http().queryParam("trigger"));
        });
        api.get(RUN, request -> {
            UUID community = request.community("integrations:read");
            request.answer(200, readRun(request, community, run(request)));
        });
        api.post(RUN + "/cancel", request -> {
            UUID community = request.community("integrations:write");
            readRun(request, community, run(request));
            request.database().one(CANCEL, run(request));
            request.answer(200, readRun(request, community, run(request)));
        });
        api.get(RUN + "/log", RunRoutes::log);
        api.get(RECORDS, request -> {
            UUID community = request.community("integrations:read");
            IntegrationRoutes.read(request, community);
            request.answerPage(
                    LIST_RECORDS,
                    community,
                    IntegrationRoutes.id(request),
                    request.http().queryParam("type"),
                    request.http().queryParam("external_id"),
                    "true".equals(request.http().queryParam("deleted")));
        });
        api.get(RECORDS + "/{record}", request -> {
            UUID community = request.community("integrations:read");
            request.answer(
                    200,
                    request.database()
                            .one(READ_RECORD, community, IntegrationRoutes.id(request), request.id("record", "record"))
                            .orElseThrow(() -> Problem.notFound("record")));
        });
    }

    /** The oldest line first; the cursor is the number of the last line. */
    private static void log(ApiRequest request) throws SQLException {
        UUID community = request.community("integrations:read");
        readRun(request, community, run(request));
        String cursor = request.http().queryParam("cursor");
        if (cursor != null && !cursor.matches("[0-9]{1,9}")) {
            throw Problem.invalid("", "cursor must be the next_cursor of an earlier answer");
        }
        int after = cursor == null ? 0 : Integer.parseInt(cursor);
        List<String> lines = request.database().rows(LOG, community, run(request), after, LINES + 1);
        boolean more = lines.size() > LINES;
        List<String> page = more ? lines.subList(0, LINES) : lines;
        request.answer(
                200,
                "{\"data\":[" + String.join(",", page) + "],\"next_cursor\":"
                        + (more ? "\"" + (after + LINES) + "\"" : "null") + "}");
    }

    private static String readRun(ApiRequest request, UUID community, UUID run) throws SQLException {
        return request.database()
                .one(READ_RUN, community, IntegrationRoutes.id(request), run)
                .orElseThrow(() -> Problem.notFound("run"));
    }

    private static UUID run(ApiRequest request) {
        return request.id("run", "run");
    }
}
