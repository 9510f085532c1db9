package dev.posthorn.server.apikeys;

import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;

/** {@code GET /v1/audit-log}: who did what. A community's key sees its community, a service key everything. */
public final class AuditRoutes {
    private static final String LIST = ApiRequest.PAGE + """
            SELECT to_jsonb(a)
            FROM posthorn.audit_log AS a
            CROSS JOIN page
            WHERE (page.below IS NULL OR a.id < page.below)
              AND a.community_id IS NOT DISTINCT FROM coalesce(?::uuid, a.community_id)
              AND a.community_id IS NOT DISTINCT FROM coalesce(?::uuid, a.community_id)
              AND a.actor = coalesce(?::text, a.actor)
              AND a.action = coalesce(?::text, a.action)
              AND a.resource_id IS NOT DISTINCT FROM coalesce(?::uuid, a.resource_id)
            ORDER BY a.id DESC
            LIMIT (SELECT size FROM page)
            """;

    private AuditRoutes() {}

    /** Adds the route. */
    public static void add(Api api) {
        api.get("/audit-log", request -> {
            request.require("audit:read");
            request.answerPage(
                    LIST,
                    request.caller().communityId(),
                    request.http().queryParam("community_id"),
                    request.http().queryParam("actor"),
                    request.http().queryParam("action"),
                    request.http().queryParam("resource_id"));
        });
    }
}
