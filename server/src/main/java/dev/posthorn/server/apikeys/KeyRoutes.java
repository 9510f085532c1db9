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

/**
 * {@code /v1/communities/{community}/api-keys}, the keys of a community, and {@code /v1/api-keys}, the service keys, for service keys
 * alone. A key in full is only in the answers to create and rotate.
 */
public final class KeyRoutes {
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

    /** Of either kind of owner; with constants, because an index serves them and no {@code IS NOT DISTINCT FROM}. */
    private static final String OF_COMMUNITY = "k.community_id = ?";

    private static final String OF_INSTALLATION = "k.community_id IS NULL AND ?::uuid IS NULL";

    private static final String USAGE = """
            SELECT coalesce(jsonb_agg(jsonb_build_object('hour', u.hour, 'code', u.code, 'calls', u.calls, 'cost', u.cost)
                                      ORDER BY u.hour, u.code), '[]')
            FROM posthorn.api_key_usage AS u
            WHERE u.api_key_id = ?
              AND u.hour >= coalesce(?::timestamptz, posthorn.clock_now() - interval '7 days')
              AND u.hour < coalesce(?::timestamptz, 'infinity')
            """;

    private static final ApiKeys KEYS = new ApiKeys();

    private final Owner owner;
    private final String read;
    private final String list;

    /** Whose keys a path names, if the caller holds the scope there; null for the installation. */
    @FunctionalInterface
    private interface Owner {
        @Nullable
        UUID of(ApiRequest request, String scope) throws SQLException;
    }

    private KeyRoutes(Owner owner, String owned) {
        this.owner = owner;
        this.read = "SELECT to_jsonb(k) FROM posthorn.api_key_summary AS k WHERE " + owned + " AND k.id = ?";
        this.list = ApiRequest.PAGE + """
                SELECT to_jsonb(k)
                FROM posthorn.api_key_summary AS k
                CROSS JOIN page
                WHERE\s""" + owned + """
                  AND (page.below IS NULL OR k.id < page.below)
                  AND k.state = coalesce(?::text, k.state)
                  AND k.owner IS NOT DISTINCT FROM coalesce(?::text, k.owner)
                ORDER BY k.id DESC
                LIMIT (SELECT size FROM page)
                """;
    }

    /** Adds the routes. */
    public static void add(Api api) {
        new KeyRoutes(ApiRequest::community, OF_COMMUNITY).addTo(api, "/communities/{community}/api-keys");
        Owner installation = (request, scope) -> {
            request.requireService(scope);
            return null;
        };
        new KeyRoutes(installation, OF_INSTALLATION).addTo(api, "/api-keys");
        api.postForFree("/api-keys/self-revoke", KeyRoutes::revokeItself);
    }

    private void addTo(Api api, String base) {
        String one = base + "/{key}";
        api.post(base, this::create);
        api.get(base, request -> {
            UUID owning = owner.of(request, "keys:read");
            request.answerPage(list, owning, query(request, "state"), query(request, "owner"));
        });
        api.get(one, request -> request.answer(200, read(request, owner.of(request, "keys:read"))));
        api.patch(one, this::change);
        api.post(one + "/rotate", this::rotate);
        api.post(one + "/revoke", request -> {
            JsonNode body = request.optionalBody(List.of("reason"));
            String reason = ApiRequest.text(body, "reason");
            act(request, (connection, id) -> KEYS.revoke(connection, id, reason));
        });
        api.post(one + "/disable", request -> act(request, KEYS::disable));
        api.post(one + "/enable", request -> act(request, KEYS::enable));
        api.get(one + "/usage", this::usage);
    }

    private void create(ApiRequest request) throws SQLException {
        UUID owning = owner.of(request, "keys:write");
        ObjectNode settings = (ObjectNode) request.body(CREATION);
        ApiKey.Mode mode = mode(settings);
        settings.remove("mode");
        requireScopes(request, settings.get("scopes"));
        answerKey(request, 201, request.database().transaction(connection -> {
            IssuedKey issued = KEYS.create(
                    connection,
                    mode,
                    owning == null ? null : owning.toString(),
                    ApiRequest.JSON.writeValueAsString(settings),
                    request.http().header("Idempotency-Key"));
            return new Shown(issued, find(connection, owning, issued.id()));
        }));
    }

    private void change(ApiRequest request) throws SQLException {
        UUID owning = owner.of(request, "keys:write");
        UUID id = id(request);
        JsonNode settings = request.body(SETTINGS);
        requireScopes(request, settings.get("scopes"));
        request.answer(200, request.database().transaction(connection -> {
            find(connection, owning, id);
            KEYS.change(connection, id, ApiRequest.JSON.writeValueAsString(settings));
            return find(connection, owning, id);
        }));
    }

    private void rotate(ApiRequest request) throws SQLException {
        UUID owning = owner.of(request, "keys:write");
        UUID id = id(request);
        int grace = ApiRequest.number(
                request.optionalBody(List.of("grace_seconds")), "grace_seconds", DAY_SECONDS, 0, MOST_GRACE_SECONDS);
        answerKey(request, 200, request.database().transaction(connection -> {
            JsonNode before = ApiRequest.JSON.readTree(find(connection, owning, id));
            requireScopes(request, before.get("scopes"));
            ApiKeys.Rotation rotation = KEYS.rotate(
                    connection, id, Duration.ofSeconds(grace), request.http().header("Idempotency-Key"));
            return new Shown(rotation.issued(), find(connection, owning, id));
        }));
    }

    /** Something done to a key. */
    @FunctionalInterface
    private interface Action {
        boolean on(Connection connection, UUID id) throws SQLException;
    }

    private void act(ApiRequest request, Action action) throws SQLException {
        UUID owning = owner.of(request, "keys:write");
        UUID id = id(request);
        request.answer(200, request.database().transaction(connection -> {
            find(connection, owning, id);
            action.on(connection, id);
            return find(connection, owning, id);
        }));
    }

    private void usage(ApiRequest request) throws SQLException {
        UUID owning = owner.of(request, "keys:read");
        UUID id = id(request);
        read(request, owning);
        String rows = request.database()
                .one(USAGE, id, query(request, "from"), query(request, "to"))
                .orElse("[]");
        request.answer(200, "{\"data\":" + rows + ",\"next_cursor\":null}");
    }

    /** Whoever holds a key may end it: who finds one need not find its owner first. */
    private static void revokeItself(ApiRequest request) throws SQLException {
        String reason = ApiRequest.text(request.optionalBody(List.of("reason")), "reason");
        UUID id = request.caller().id();
        request.service()
                .transaction(connection -> KEYS.revoke(connection, id, reason == null ? "revoked by itself" : reason));
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

    private String read(ApiRequest request, @Nullable UUID owning) throws SQLException {
        return request.database().one(read, owning, id(request)).orElseThrow(() -> Problem.notFound("API key"));
    }

    private String find(Connection connection, @Nullable UUID owning, UUID id) throws SQLException {
        return ApiDatabase.rows(connection, read, owning, id).stream()
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
