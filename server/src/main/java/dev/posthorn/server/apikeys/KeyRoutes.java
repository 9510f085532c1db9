package dev.posthorn.server.apikeys;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.IssuedKey;
import dev.posthorn.apikeys.Scopes;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/communities/{community}/api-keys}: the keys of a community. A key in full is only in the answers to create and rotate. */
public final class KeyRoutes {
    private static final String BASE = "/communities/{community}/api-keys";
    private static final String ONE = BASE + "/{key}";
    private static final List<String> SETTINGS =
            List.of("name", "owner", "scopes", "metadata", "expires_at", "allowed_networks", "rate_limits", "credits");
    private static final List<String> CREATION;
    private static final int DAY_SECONDS = 86_400;
    private static final int MOST_GRACE_SECONDS = 30 * DAY_SECONDS;

    static {
        List<String> creation = new ArrayList<>(SETTINGS);
        creation.add("mode");
        CREATION = List.copyOf(creation);
    }

    private static final String READ =
            "SELECT to_jsonb(k) FROM posthorn.api_key_summary AS k WHERE k.community_id = ? AND k.id = ?";
    private static final String LIST = ApiRequest.PAGE + """
            SELECT to_jsonb(k)
            FROM posthorn.api_key_summary AS k
            CROSS JOIN page
            WHERE k.community_id = ?
              AND (page.below IS NULL OR k.id < page.below)
              AND k.state = coalesce(?::text, k.state)
              AND k.owner IS NOT DISTINCT FROM coalesce(?::text, k.owner)
            ORDER BY k.id DESC
            LIMIT (SELECT size FROM page)
            """;
    private static final String USAGE = """
            SELECT coalesce(jsonb_agg(jsonb_build_object('hour', u.hour, 'code', u.code, 'calls', u.calls, 'cost', u.cost)
                                      ORDER BY u.hour, u.code), '[]')
            FROM posthorn.api_key_usage AS u
            WHERE u.community_id = ? AND u.api_key_id = ?
              AND u.hour >= coalesce(?::timestamptz, posthorn.clock_now() - interval '7 days')
              AND u.hour < coalesce(?::timestamptz, 'infinity')
            """;

    private static final ApiKeys KEYS = new ApiKeys();

    private KeyRoutes() {}

    /** Adds the routes. */
    public static void add(Api api) {
        api.post(BASE, KeyRoutes::create);
        api.get(BASE, request -> {
            UUID community = request.community("keys:read");
            request.answerPage(LIST, community, query(request, "state"), query(request, "owner"));
        });
        api.get(ONE, request -> request.answer(200, read(request, request.community("keys:read"))));
        api.patch(ONE, KeyRoutes::change);
        api.post(ONE + "/rotate", KeyRoutes::rotate);
        api.post(ONE + "/revoke", request -> {
            JsonNode body = request.optionalBody(List.of("reason"));
            String reason = ApiRequest.text(body, "reason");
            act(request, (connection, id) -> KEYS.revoke(connection, id, reason));
        });
        api.post(ONE + "/disable", request -> act(request, KEYS::disable));
        api.post(ONE + "/enable", request -> act(request, KEYS::enable));
        api.get(ONE + "/usage", KeyRoutes::usage);
        api.postForFree("/api-keys/self-revoke", KeyRoutes::revokeItself);
    }

    private static void create(ApiRequest request) throws SQLException {
        UUID community = request.community("keys:write");
        ObjectNode settings = (ObjectNode) request.body(CREATION);
        ApiKey.Mode mode = mode(settings);
        settings.remove("mode");
        requireScopes(request, settings.get("scopes"));
        answerKey(request, 201, request.database().transaction(connection -> {
            IssuedKey issued = KEYS.create(
                    connection,
                    mode,
                    community.toString(),
                    ApiRequest.JSON.writeValueAsString(settings),
                    request.http().header("Idempotency-Key"));
            return new Shown(issued, find(connection, community, issued.id()));
        }));
    }

    private static void change(ApiRequest request) throws SQLException {
        UUID community = request.community("keys:write");
        UUID id = id(request);
        JsonNode settings = request.body(SETTINGS);
        requireScopes(request, settings.get("scopes"));
        request.answer(200, request.database().transaction(connection -> {
            find(connection, community, id);
            KEYS.change(connection, id, ApiRequest.JSON.writeValueAsString(settings));
            return find(connection, community, id);
        }));
    }

    private static void rotate(ApiRequest request) throws SQLException {
        UUID community = request.community("keys:write");
        UUID id = id(request);
        int grace = ApiRequest.number(
                request.optionalBody(List.of("grace_seconds")), "grace_seconds", DAY_SECONDS, 0, MOST_GRACE_SECONDS);
        answerKey(request, 200, request.database().transaction(connection -> {
            JsonNode before = ApiRequest.JSON.readTree(find(connection, community, id));
            requireScopes(request, before.get("scopes"));
            ApiKeys.Rotation rotation = KEYS.rotate(
                    connection, id, Duration.ofSeconds(grace), request.http().header("Idempotency-Key"));
            return new Shown(rotation.issued(), find(connection, community, id));
        }));
    }

    /** Something done to a key. */
    @FunctionalInterface
    private interface Action {
        boolean on(Connection connection, UUID id) throws SQLException;
    }

    private static void act(ApiRequest request, Action action) throws SQLException {
        UUID community = request.community("keys:write");
        UUID id = id(request);
        request.answer(200, request.database().transaction(connection -> {
            find(connection, community, id);
            action.on(connection, id);
            return find(connection, community, id);
        }));
    }

    private static void usage(ApiRequest request) throws SQLException {
        UUID community = request.community("keys:read");
        UUID id = id(request);
        read(request, community);
        String rows = request.database()
                .one(USAGE, community, id, query(request, "from"), query(request, "to"))
                .orElse("[]");
        request.answer(200, "{\"data\":" + rows + ",\"next_cursor\":null}");
    }

    /** Whoever holds a key may end it: who finds one need not find its owner first. */
    private static void revokeItself(ApiRequest request) throws SQLException {
        String reason = ApiRequest.text(request.optionalBody(List.of("reason")), "reason");
        UUID id = request.caller().id();
        request.service().transaction(connection -> {
            ApiDatabase.rows(connection, "SELECT set_config('posthorn.actor', ?::text, true)", "key:" + id);
            return KEYS.revoke(connection, id, reason == null ? "revoked by itself" : reason);
        });
        request.http().status(204);
    }

    private record Shown(IssuedKey issued, String summary) {}

    private static void answerKey(ApiRequest request, int status, Shown shown) {
        ObjectNode answer = (ObjectNode) ApiRequest.JSON.readTree(shown.summary());
        answer.put("key", shown.issued().key().text());
        request.http().header("Cache-Control", "no-store");
        request.answer(status, ApiRequest.JSON.writeValueAsString(answer));
    }

    private static ApiKey.Mode mode(JsonNode body) {
        String mode = ApiRequest.text(body, "mode");
        if (mode == null || mode.equals(ApiKey.Mode.LIVE.word())) {
            return ApiKey.Mode.LIVE;
        }
        if (mode.equals(ApiKey.Mode.TEST.word())) {
            return ApiKey.Mode.TEST;
        }
        throw Problem.invalid("/mode", "mode must be live or test");
    }

    /** The database asks this of members; a service key with few scopes is asked here. */
    private static void requireScopes(ApiRequest request, @Nullable JsonNode scopes) {
        if (scopes == null || !scopes.isArray()) {
            return;
        }
        for (JsonNode scope : scopes) {
            if (scope.isString() && !Scopes.cover(request.caller().scopes(), scope.stringValue())) {
                throw Problem.refused("the key does not hold the scope " + scope.stringValue() + " and cannot give it");
            }
        }
    }

    private static String read(ApiRequest request, UUID community) throws SQLException {
        return request.database().one(READ, community, id(request)).orElseThrow(() -> Problem.notFound("API key"));
    }

    private static String find(Connection connection, UUID community, UUID id) throws SQLException {
        return ApiDatabase.rows(connection, READ, community, id).stream()
                .findFirst()
                .orElseThrow(() -> Problem.notFound("API key"));
    }

    private static UUID id(ApiRequest request) {
        return request.id("key", "API key");
    }

    private static @Nullable String query(ApiRequest request, String name) {
        return request.http().queryParam(name);
    }
}
