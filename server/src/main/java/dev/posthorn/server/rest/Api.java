package dev.posthorn.server.rest;

import dev.posthorn.apikeys.http.ClientAddress;
import dev.posthorn.apikeys.http.KeyAnswer;
import dev.posthorn.apikeys.http.PresentedKey;
import dev.posthorn.apikeys.verify.KeyRequest;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.apikeys.verify.StoredKey;
import dev.posthorn.apikeys.verify.TooManyUnknownKeysException;
import dev.posthorn.apikeys.verify.VerifiedKey;
import dev.posthorn.vault.VaultException;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.net.InetAddress;
import java.sql.SQLException;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The frame of the REST API: every route is authenticated, every error is a problem. */
public final class Api {
    private static final Logger LOG = LoggerFactory.getLogger(Api.class);

    private final RoutesConfig routes;
    private final ApiDatabase database;
    private final CommunityLookup communities;
    private final KeyVerifier verifier;
    private final ClientAddress addresses;

    /** What a route does. */
    @FunctionalInterface
    public interface Handler {
        /** Handles a request; throws {@link Problem} for what is wrong with it. */
        void handle(ApiRequest request) throws Exception;
    }

    /** What a route does that has no use for a caller's key. */
    @FunctionalInterface
    public interface OpenHandler {
        /** Handles a request; throws {@link Problem} for what is wrong with it. */
        void handle(Context context) throws Exception;
    }

    /**
     * Adds routes to the given ones.
     *
     * @param database as the service
     * @param addresses tells where a request comes from
     */
    public Api(RoutesConfig routes, ApiDatabase database, KeyVerifier verifier, ClientAddress addresses) {
        this.routes = routes;
        this.database = database;
        this.communities = new CommunityLookup(database);
        this.verifier = verifier;
        this.addresses = addresses;
        routes.exception(Problem.class, (problem, context) -> write(context, problem));
        routes.exception(
                TooManyUnknownKeysException.class,
                (full, context) -> write(context, refused(context, KeyAnswer.unavailable())));
        routes.exception(SQLException.class, (failure, context) -> {
            Problem problem = SqlProblems.translate(failure);
            if (problem.status() == 500) {
                LOG.error("{} {} failed", context.method(), context.path(), failure);
            }
            write(context, problem);
        });
        routes.exception(VaultException.class, (failure, context) -> write(context, VaultProblems.translate(failure)));
        routes.exception(
                io.javalin.http.HttpResponseException.class,
                (failure, context) -> write(
                        context,
                        failure.getStatus() == 413
                                ? Problem.tooLarge("the body is larger than 8 MiB")
                                : failure.getStatus() == 404
                                        ? Problem.notFound("path")
                                        : Problem.malformed(String.valueOf(failure.getMessage()))));
        routes.exception(Exception.class, (failure, context) -> {
            LOG.error("{} {} failed", context.method(), context.path(), failure);
            write(context, Problem.internal());
        });
    }

    /** A route that reads. */
    public void get(String path, Handler handler) {
        add(HandlerType.GET, path, handler);
    }

    /** A route that creates or acts. */
    public void post(String path, Handler handler) {
        add(HandlerType.POST, path, handler);
    }

    /** A route that puts something in the place of what was there. */
    public void put(String path, Handler handler) {
        add(HandlerType.PUT, path, handler);
    }

    /** A route that changes. */
    public void patch(String path, Handler handler) {
        add(HandlerType.PATCH, path, handler);
    }

    /** A route that deletes. */
    public void delete(String path, Handler handler) {
        add(HandlerType.DELETE, path, handler);
    }

    /** A route that any key may take, and that costs it nothing: a key whose limit is used up can still end itself. */
    public void postForFree(String path, Handler handler) {
        add(HandlerType.POST, path, 0, handler);
    }

    /** A route without a key of its caller's; it looks after itself. */
    public void open(HandlerType method, String path, OpenHandler handler) {
        routes.addHttpHandler(method, "/v1" + path, handler::handle);
    }

    private void add(HandlerType method, String path, Handler handler) {
        add(method, path, 1, handler);
    }

    private void add(HandlerType method, String path, int cost, Handler handler) {
        routes.addHttpHandler(
                method,
                "/v1" + path,
                context -> handler.handle(new ApiRequest(context, database, communities, authenticate(context, cost))));
    }

    /** Where a request comes from; null if that cannot be told. */
    public @Nullable InetAddress address(Context context) {
        String forwarded = String.join(",", Collections.list(context.req().getHeaders("X-Forwarded-For")));
        return addresses.of(context.req().getRemoteAddr(), forwarded.isEmpty() ? null : forwarded);
    }

    private StoredKey authenticate(Context context, int cost) throws SQLException {
        Optional<String> presented;
        try {
            presented = PresentedKey.of(context.header("Authorization"), context.header(PresentedKey.HEADER));
        } catch (IllegalArgumentException e) {
            throw refused(context, KeyAnswer.ambiguous());
        }
        if (presented.isEmpty()) {
            throw refused(context, KeyAnswer.missing());
        }
        VerifiedKey verified = verifier.verify(
                KeyRequest.of(presented.get()).from(address(context)).costing(cost));
        KeyAnswer answer = KeyAnswer.of(verified, List.of());
        if (!(verified instanceof VerifiedKey.Valid valid)) {
            throw refused(context, answer);
        }
        for (String header : List.of("RateLimit", "RateLimit-Policy")) {
            String value = answer.headers().get(header);
            if (value != null) {
                context.header(header, value);
            }
        }
        return valid.key();
    }

    private static Problem refused(Context context, KeyAnswer answer) {
        answer.headers().forEach(context::header);
        return Problem.of(answer);
    }

    private static void write(Context context, Problem problem) {
        ObjectNode body = ApiRequest.JSON.createObjectNode();
        body.put("type", "about:blank");
        body.put("title", problem.title());
        body.put("status", problem.status());
        body.put("detail", problem.getMessage());
        body.put("instance", context.path());
        if (!problem.errors().isEmpty()) {
            ArrayNode errors = body.putArray("errors");
            problem.errors()
                    .forEach(error ->
                            errors.addObject().put("pointer", error.pointer()).put("detail", error.detail()));
        }
        if (problem.id() != null) {
            body.put("id", problem.id());
        }
        Integer retryAfter = problem.retryAfterSeconds();
        if (retryAfter != null) {
            context.header("Retry-After", retryAfter.toString());
        }
        context.status(problem.status())
                .contentType("application/problem+json")
                // Bytes, in UTF-8 as JSON is: of a text under this type the server would make ISO 8859-1.
                .result(ApiRequest.JSON.writeValueAsBytes(body));
    }
}
