package dev.posthorn.server.apikeys;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.http.KeyAnswer;
import dev.posthorn.apikeys.http.PresentedKey;
import dev.posthorn.apikeys.verify.KeyRequest;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.apikeys.verify.TooManyUnknownKeysException;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.Problem;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /v1/auth/forward}: whether a proxy may let a request through, by the key in it. What is asked of the key the proxy's own
 * configuration says: nginx and Traefik in the query of the address that they call. Envoy appends the path and query of the original
 * request, which its sender chose; so below {@code /v1/auth/forward/} the query is not looked at, and headers that Envoy sets say it.
 */
public final class ForwardAuth {
    private static final Logger LOG = LoggerFactory.getLogger(ForwardAuth.class);
    private static final String PATH = "/v1/auth/forward";

    private final Api api;
    private final ApiDatabase database;
    private final KeyVerifier verifier;
    private final Cache<String, UUID> communities = Caffeine.newBuilder()
            .maximumSize(10_000)
            .expireAfterWrite(Duration.ofSeconds(10))
            .build();

    private ForwardAuth(Api api, ApiDatabase database, KeyVerifier verifier) {
        this.api = api;
        this.database = database;
        this.verifier = verifier;
    }

    /** Adds the routes. */
    public static void add(Api api, ApiDatabase database, KeyVerifier verifier) {
        ForwardAuth routes = new ForwardAuth(api, database, verifier);
        for (HandlerType method : List.of(
                HandlerType.GET,
                HandlerType.HEAD,
                HandlerType.POST,
                HandlerType.PUT,
                HandlerType.PATCH,
                HandlerType.DELETE,
                HandlerType.OPTIONS)) {
            api.open(method, "/auth/forward", routes::judge);
            api.open(method, "/auth/forward/<path>", routes::judge);
        }
    }

    /** By the path as it was sent: {@code /v1/auth/forward/} is what Envoy makes of somebody's {@code /}. */
    private static @Nullable String configured(Context context, String name) {
        return context.req().getRequestURI().equals(PATH) ? context.queryParam(name) : header(context, name);
    }

    private static @Nullable String header(Context context, String name) {
        return context.header("Posthorn-" + name.replace('_', '-'));
    }

    private void judge(Context context) throws SQLException {
        List<String> scopes = scopes(configured(context, "scope"));
        int cost = number("cost", configured(context, "cost"));
        String limit = configured(context, "limit");
        boolean forbidLimited = "403".equals(limitedStatus(configured(context, "limited_status")));
        UUID community = community(configured(context, "community"));
        Optional<String> presented;
        try {
            presented = PresentedKey.of(context.header("Authorization"), context.header(PresentedKey.HEADER));
        } catch (IllegalArgumentException e) {
            answer(context, KeyAnswer.ambiguous(), false);
            return;
        }
        if (presented.isEmpty()) {
            answer(context, KeyAnswer.missing(), false);
            return;
        }
        KeyRequest asked = KeyRequest.of(presented.get())
                .scopes(scopes)
                .from(api.address(context))
                .costing(cost)
                .drawing(limit == null ? RateLimit.DEFAULT : VerifyRoute.limitName("", limit), null)
                .within(community);
        KeyAnswer answer;
        try {
            answer = KeyAnswer.of(verifier.verify(asked), scopes);
        } catch (TooManyUnknownKeysException e) {
            answer = KeyAnswer.unavailable();
        } catch (SQLException e) {
            LOG.warn("an API key could not be verified: {}", e.getMessage());
            answer = KeyAnswer.unavailable();
        }
        answer(context, answer, forbidLimited);
    }

    /** nginx takes only 2xx, 401 and 403 from who is asked; the header {@code Posthorn-Code} then says that it was the limit. */
    private static void answer(Context context, KeyAnswer judged, boolean forbidLimited) {
        KeyAnswer answer = judged.status() == 429 && forbidLimited ? judged.withStatus(403) : judged;
        context.status(answer.status());
        answer.headers().forEach(context::header);
        context.header("Cache-Control", "no-store");
        if (answer.status() != 200) {
            context.contentType("application/problem+json").result(answer.problem());
        }
    }

    private @Nullable UUID community(@Nullable String given) throws SQLException {
        if (given == null) {
            return null;
        }
        UUID known = communities.getIfPresent(given);
        if (known == null) {
            known = database.one("SELECT posthorn.find_community(?::text)", given)
                    .map(UUID::fromString)
                    .orElseThrow(() -> Problem.invalid("", "community names no community"));
            communities.put(given, known);
        }
        return known;
    }

    private static List<String> scopes(@Nullable String given) {
        return given == null
                ? List.of()
                : Arrays.stream(given.split("[ ,]+", -1))
                        .filter(scope -> !scope.isEmpty())
                        .toList();
    }

    private static int number(String name, @Nullable String given) {
        if (given == null) {
            return 1;
        }
        try {
            int number = Integer.parseInt(given);
            if (number >= 0 && number <= VerifyRoute.MOST_COST) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw Problem.invalid("", name + " must be a number from 0 to " + VerifyRoute.MOST_COST);
    }

    private static @Nullable String limitedStatus(@Nullable String given) {
        if (given != null && !given.equals("403") && !given.equals("429")) {
            throw Problem.invalid("", "limited_status must be 429, or 403 for nginx");
        }
        return given;
    }
}
