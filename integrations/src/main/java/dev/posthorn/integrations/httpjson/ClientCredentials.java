package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.HttpAnswer;
import dev.posthorn.integrations.connector.HttpCall;
import dev.posthorn.integrations.mapping.ExactJson;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * OAuth 2.0 client credentials (RFC 6749, section 4.4). The token lives as long as this object, is renewed a minute before it expires, and
 * is written nowhere. For one thread.
 */
final class ClientCredentials implements Authentication {
    private static final Duration EARLY = Duration.ofMinutes(1);
    private static final Duration USUAL_LIFE = Duration.ofHours(1);
    private static final int LARGEST_ANSWER = 64 * 1024;

    private final ConnectorContext context;
    private final String url;
    private final boolean secretInBody;
    private final Map<String, String> form = new LinkedHashMap<>();
    private final String clientId;
    private final String clientSecret;

    private @Nullable String token;
    private Instant renewAt = Instant.MIN;

    ClientCredentials(ConnectorContext context, JsonNode auth) throws ConnectorException {
        this.context = context;
        url = auth.path("token_url").asString();
        secretInBody = auth.path("client_auth").asString("basic").equals("post");
        clientId = context.credentials().require("client_id");
        clientSecret = context.credentials().require("client_secret");
        form.put("grant_type", "client_credentials");
        if (auth.has("scope")) {
            form.put("scope", auth.path("scope").asString());
        }
        auth.path("token_parameters")
                .properties()
                .forEach(each -> form.put(each.getKey(), each.getValue().asString()));
        if (secretInBody) {
            form.put("client_id", clientId);
            form.put("client_secret", clientSecret);
        }
    }

    @Override
    public HttpCall sign(HttpCall call) throws ConnectorException, InterruptedException {
        String current = token;
        if (current == null || !context.clock().instant().isBefore(renewAt)) {
            current = obtain();
            token = current;
        }
        return call.with("Authorization", "Bearer " + current);
    }

    @Override
    public boolean renew() {
        token = null;
        return true;
    }

    private String obtain() throws ConnectorException, InterruptedException {
        String body = form.entrySet().stream()
                .map(each -> Parameters.encoded(each.getKey()) + "=" + Parameters.encoded(each.getValue()))
                .collect(Collectors.joining("&"));
        HttpCall call = HttpCall.post(
                        url, "application/x-www-form-urlencoded", body.getBytes(StandardCharsets.US_ASCII))
                .with("Accept", "application/json");
        if (!secretInBody) {
            // Encoded before they are joined (RFC 6749, section 2.3.1), so that a colon in the id stays one.
            String both = Parameters.encoded(clientId) + ":" + Parameters.encoded(clientSecret);
            call = call.with("Authorization", "Basic " + Authentication.base64(both));
        }
        call = new HttpCall(call.method(), call.url(), call.headers(), call.body(), call.deadline(), LARGEST_ANSWER);
        HttpAnswer answer = context.network().send(call);
        Instant now = context.clock().instant();
        JsonNode json = read(answer);
        refuse(answer, json);
        answer.requireSuccess("the token server", now);
        String obtained = json.path("access_token").asString("");
        if (!Authentication.isSendable(obtained)) {
            throw new ConnectorException(
                    Failure.MALFORMED, "the token server answered " + answer.status() + " without an access_token");
        }
        String type = json.path("token_type").asString("Bearer");
        if (!type.equalsIgnoreCase("Bearer")) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    "the token server gives tokens of a type other than Bearer, which cannot be used");
        }
        long seconds = Math.clamp(json.path("expires_in").asLong(USUAL_LIFE.toSeconds()), 0, 86_400);
        Duration life = Duration.ofSeconds(seconds);
        renewAt = now.plus(life.compareTo(EARLY.multipliedBy(2)) > 0 ? life.minus(EARLY) : life.dividedBy(2));
        return obtained;
    }

    private static JsonNode read(HttpAnswer answer) {
        try {
            return ExactJson.read(answer.body());
        } catch (JacksonException none) {
            return MissingNode.getInstance();
        }
    }

    /** What its error codes mean (RFC 6749, section 5.2). */
    private static void refuse(HttpAnswer answer, JsonNode json) throws ConnectorException {
        if (answer.status() != 400 && answer.status() != 401) {
            return;
        }
        String code = json.path("error").asString("");
        switch (code) {
            case "invalid_client", "unauthorized_client", "invalid_grant", "access_denied" ->
                throw new ConnectorException(
                        Failure.CREDENTIALS,
                        "the token server refuses the client (" + code + "): check client_id and client_secret");
            case "invalid_scope", "unsupported_grant_type", "invalid_request" ->
                throw new ConnectorException(
                        Failure.CONFIGURATION,
                        "the token server refuses the request (" + code
                                + "): check auth.scope, auth.client_auth and auth.token_parameters");
            default -> {}
        }
    }

    /** Prints no secret. */
    @Override
    public String toString() {
        return "client credentials at " + url;
    }
}
