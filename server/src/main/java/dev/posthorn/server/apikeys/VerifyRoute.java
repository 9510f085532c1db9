package dev.posthorn.server.apikeys;

import dev.posthorn.apikeys.Network;
import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.verify.KeyRequest;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.apikeys.verify.Quota;
import dev.posthorn.apikeys.verify.StoredKey;
import dev.posthorn.apikeys.verify.VerifiedKey;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /v1/api-keys/verify}: judges a key for a program that holds {@code keys:verify}. Always 200; {@code valid} says it. */
public final class VerifyRoute {
    static final int MOST_COST = 1_000_000_000;
    private static final Pattern LIMIT_NAME = Pattern.compile("[a-z][a-z0-9_-]{0,62}");

    private final KeyVerifier verifier;

    private VerifyRoute(KeyVerifier verifier) {
        this.verifier = verifier;
    }

    /** Adds the route. */
    public static void add(Api api, KeyVerifier verifier) {
        api.post("/api-keys/verify", new VerifyRoute(verifier)::verify);
    }

    private void verify(ApiRequest request) throws SQLException {
        request.require("keys:verify");
        JsonNode body = request.body(List.of("key", "scopes", "cost", "ip", "rate_limit"));
        KeyRequest asked = KeyRequest.of(ApiRequest.requiredText(body, "key"))
                .scopes(scopes(body))
                .costing(ApiRequest.number(body, "cost", 1, 0, MOST_COST))
                .within(request.caller().communityId());
        String ip = ApiRequest.text(body, "ip");
        if (ip != null) {
            asked = asked.from(Network.address(ip)
                    .orElseThrow(() -> Problem.invalid("/ip", "ip must be an IPv4 or IPv6 address such as 192.0.2.7")));
        }
        JsonNode limit = body.get("rate_limit");
        if (limit != null && !limit.isNull()) {
            asked = limit(asked, limit);
        }
        request.http().header("Cache-Control", "no-store");
        request.answer(200, ApiRequest.JSON.writeValueAsString(show(verifier.verify(asked))));
    }

    private static KeyRequest limit(KeyRequest asked, JsonNode limit) {
        if (limit.isString()) {
            return asked.drawing(limitName("/rate_limit", limit.stringValue()), null);
        }
        JsonNode name = limit.get("name");
        JsonNode max = limit.get("limit");
        JsonNode period = limit.get("period_seconds");
        if (!limit.isObject() || name == null || !name.isString() || (max == null) != (period == null)) {
            throw Problem.invalid(
                    "/rate_limit",
                    "rate_limit must be a name, or such as {\"name\": \"export\", \"limit\": 5, \"period_seconds\": 3600}");
        }
        String named = limitName("/rate_limit/name", name.stringValue());
        if (max == null || period == null) {
            return asked.drawing(named, null);
        }
        if (!max.isInt() || !period.isInt()) {
            throw Problem.invalid("/rate_limit", "limit and period_seconds must be whole numbers");
        }
        try {
            return asked.drawing(named, new RateLimit(max.intValue(), period.intValue()));
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("/rate_limit", String.valueOf(e.getMessage()));
        }
    }

    /** The name of a limit, which stands in headers. */
    static String limitName(String pointer, String name) {
        if (!LIMIT_NAME.matcher(name).matches()) {
            throw Problem.invalid(pointer, "the name of a limit is 1 to 63 small letters, digits, _ and -");
        }
        return name;
    }

    private static List<String> scopes(JsonNode body) {
        JsonNode given = body.get("scopes");
        if (given == null || given.isNull()) {
            return List.of();
        }
        List<String> scopes = new ArrayList<>();
        if (given.isArray() && given.size() <= 100) {
            for (JsonNode scope : given) {
                if (scope.isString() && !scope.stringValue().isEmpty()) {
                    scopes.add(scope.stringValue());
                }
            }
        }
        if (!given.isArray() || scopes.size() != given.size()) {
            throw Problem.invalid("/scopes", "scopes must be a list of at most 100 texts, such as [\"orders:read\"]");
        }
        return scopes;
    }

    private static ObjectNode show(VerifiedKey verified) {
        ObjectNode answer = ApiRequest.JSON.createObjectNode();
        answer.put("valid", verified instanceof VerifiedKey.Valid);
        answer.put("code", verified.code());
        StoredKey key = switch (verified) {
            case VerifiedKey.Valid valid -> valid.key();
            case VerifiedKey.Denied denied -> denied.key();
        };
        if (key != null) {
            answer.put("key_id", key.id().toString());
            answer.put(
                    "community_id",
                    key.communityId() == null ? null : key.communityId().toString());
            answer.put("name", key.name());
            answer.put("owner", key.owner());
            answer.put("mode", key.mode());
            ArrayNode scopes = answer.putArray("scopes");
            key.scopes().forEach(scopes::add);
            answer.set("metadata", ApiRequest.JSON.readTree(key.metadata()));
            answer.put(
                    "expires_at",
                    key.expiresAt() == null ? null : key.expiresAt().toString());
        }
        limits(answer, verified.quota());
        if (verified instanceof VerifiedKey.Denied denied && denied.retryAfterSeconds() != null) {
            answer.put("retry_after_seconds", denied.retryAfterSeconds());
        }
        return answer;
    }

    private static void limits(ObjectNode answer, @Nullable Quota quota) {
        if (quota == null) {
            return;
        }
        RateLimit limit = quota.limit();
        if (limit != null) {
            answer.putObject("rate_limit")
                    .put("name", quota.name())
                    .put("limit", limit.max())
                    .put("period_seconds", limit.periodSeconds())
                    .put("remaining", quota.remaining())
                    .put("reset_seconds", quota.resetSeconds());
        }
        if (quota.credits() != null) {
            answer.put("credits", quota.credits());
        }
    }
}
