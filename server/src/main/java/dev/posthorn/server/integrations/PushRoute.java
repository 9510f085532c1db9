package dev.posthorn.server.integrations;

import dev.posthorn.apikeys.http.ClientAddress;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.engine.IntegrationEngine;
import dev.posthorn.integrations.run.PushReceiver.Outcome;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.node.ObjectNode;

/** {@code /v1/push/{integration}}: where other systems push to. It takes no API key; the integration's connector judges who sent it. */
public final class PushRoute {
    private static final int LARGEST = 1024 * 1024;

    private PushRoute() {}

    /** Adds the route; the trusted proxies' word counts for the client certificate that they have seen. */
    public static void add(Api api, IntegrationEngine engine, ClientAddress clients) {
        for (HandlerType method : List.of(HandlerType.POST, HandlerType.PUT, HandlerType.GET)) {
            api.open(method, "/push/{integration}", context -> receive(context, engine, clients));
        }
    }

    private static void receive(Context context, IntegrationEngine engine, ClientAddress clients) throws SQLException {
        UUID integration;
        try {
            integration = UUID.fromString(context.pathParam("integration"));
        } catch (IllegalArgumentException e) {
            throw Problem.notFound("path");
        }
        byte[] body = context.bodyAsBytes();
        if (body.length > LARGEST) {
            throw Problem.tooLarge("the body is larger than 1 MiB");
        }
        Outcome outcome = engine.receive(
                        integration,
                        new PushRequest(
                                context.method().toString(),
                                String.valueOf(context.queryString() == null ? "" : context.queryString()),
                                headers(context),
                                body,
                                Clock.systemUTC().instant(),
                                clients.isTrustedProxy(context.req().getRemoteAddr())))
                .orElseThrow(() -> Problem.notFound("path"));
        context.header("Cache-Control", "no-store");
        switch (outcome) {
            case Outcome.Saved saved -> {
                ObjectNode answer = ApiRequest.JSON.createObjectNode().put("duplicate", saved.duplicate());
                context.status(200).contentType("application/json").result(answer.toString());
            }
            case Outcome.Handshake handshake ->
                context.status(200).contentType(handshake.contentType()).result(handshake.body());
            case Outcome.Refused refused -> throw Problem.of(refused.status(), refused.reason());
            case Outcome.NotReady notReady -> throw Problem.unavailable(notReady.reason());
        }
    }

    private static Map<String, List<String>> headers(Context context) {
        Map<String, List<String>> headers = new HashMap<>();
        for (String name : Collections.list(context.req().getHeaderNames())) {
            headers.put(
                    name.toLowerCase(Locale.ROOT),
                    Collections.list(context.req().getHeaders(name)));
        }
        return headers;
    }
}
