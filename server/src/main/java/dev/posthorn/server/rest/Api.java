package dev.posthorn.server.rest;

import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.VerifiedKey;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The frame of the REST API: every route is authenticated, every error is a problem. */
public final class Api {
    private static final Logger LOG = LoggerFactory.getLogger(Api.class);
    private static final String BEARER = "Bearer ";

    private final RoutesConfig routes;
    private final ApiDatabase database;
    private final ApiKeys keys = new ApiKeys();

    /** What a route does. */
    @FunctionalInterface
    public interface Handler {
        /** Handles a request; throws {@link Problem} for what is wrong with it. */
        void handle(ApiRequest request) throws Exception;
    }

    /** Adds routes to the given ones. */
    public Api(RoutesConfig routes, ApiDatabase database) {
        this.routes = routes;
        this.database = database;
        routes.exception(Problem.class, (problem, context) -> write(context, problem));
        routes.exception(SQLException.class, (failure, context) -> {
            Problem problem = SqlProblems.translate(failure);
            if (problem.status() == 500) {
                LOG.error("{} {} failed", context.method(), context.path(), failure);
            }
            write(context, problem);
        });
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

    /** A route that changes. */
    public void patch(String path, Handler handler) {
        add(HandlerType.PATCH, path, handler);
    }

    /** A route that deletes. */
    public void delete(String path, Handler handler) {
        add(HandlerType.DELETE, path, handler);
    }

    private void add(HandlerType method, String path, Handler handler) {
        routes.addHttpHandler(
                method,
                "/v1" + path,
                context -> handler.handle(new ApiRequest(context, database, authenticate(context))));
    }

    private VerifiedKey.Valid authenticate(Context context) throws SQLException {
        String authorization = context.header("Authorization");
        if (authorization == null || !authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
            context.header("WWW-Authenticate", "Bearer realm=\"posthorn\"");
            throw Problem.unauthorized("send an API key: Authorization: Bearer ph_live_…");
        }
        String presented = authorization.substring(BEARER.length()).strip();
        return switch (database.transaction(connection -> keys.verify(connection, presented))) {
            case VerifiedKey.Valid valid -> valid;
            case VerifiedKey.Denied denied -> {
                context.header("WWW-Authenticate", "Bearer realm=\"posthorn\", error=\"invalid_token\"");
                throw Problem.unauthorized(
                        "the API key is " + denied.reason().name().toLowerCase(java.util.Locale.ROOT));
            }
        };
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
        Integer retryAfter = problem.retryAfterSeconds();
        if (retryAfter != null) {
            context.header("Retry-After", retryAfter.toString());
        }
        context.status(problem.status())
                .contentType("application/problem+json")
                .result(ApiRequest.JSON.writeValueAsString(body));
    }
}
