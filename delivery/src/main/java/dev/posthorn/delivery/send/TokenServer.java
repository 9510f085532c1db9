package dev.posthorn.delivery.send;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import java.net.URLEncoder;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Asks token servers for access tokens (RFC 6749, section 4.4), under the same address policy as everything that is sent. Thread-safe. */
final class TokenServer {
    private static final long TIMEOUT_MILLIS = 10_000;
    private static final int LARGEST_ANSWER = 64 * 1024;
    /** Where the server does not say how long a token lives. */
    private static final long USUAL_LIFE_SECONDS = 300;

    private static final long LONGEST_LIFE_SECONDS = 86_400;

    private final OutboundClient client;
    private final @Nullable EgressProxy proxy;

    TokenServer(OutboundClient client, @Nullable EgressProxy proxy) {
        this.client = client;
        this.proxy = proxy;
    }

    AccessToken fetch(AccessTokens.Account account) throws TokenException, InterruptedException {
        ClientCredentials grant = account.grant();
        OutboundClient.Target target;
        try {
            target = client.target(grant.tokenUrl());
        } catch (TargetRefusedException e) {
            throw failed("the token_url is refused, " + e.reason().label() + ": " + e.sentence());
        }
        Map<String, String> form = new LinkedHashMap<>();
        form.put("grant_type", "client_credentials");
        put(form, "scope", grant.scope());
        put(form, "audience", grant.audience());
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("content-type", "application/x-www-form-urlencoded");
        headers.put("accept", "application/json");
        if (grant.credentialsInBody()) {
            form.put("client_id", grant.clientId());
            form.put("client_secret", grant.clientSecret());
        } else {
            // Encoded before they are joined, by section 2.3.1.
            String both = encode(grant.clientId()) + ":" + encode(grant.clientSecret());
            headers.put("authorization", "Basic " + Base64.getEncoder().encodeToString(both.getBytes(UTF_8)));
        }
        byte[] body = form.entrySet().stream()
                .map(field -> field.getKey() + "=" + encode(field.getValue()))
                .collect(Collectors.joining("&"))
                .getBytes(UTF_8);
        ResponseReader reader = new ResponseReader(LARGEST_ANSWER);
        Route route = new Route(account.communityId(), null, proxy);
        long begun = System.nanoTime();
        ResponseReader.Ended ended = client.post(target, route, headers, body, TIMEOUT_MILLIS, reader);
        ResponseReader.Head answer = ended.answer();
        if (answer == null) {
            SendFailure failure = client.why(target, ended, begun);
            if (failure.fault() != null) {
                throw new TokenException(failure);
            }
            throw failed("the token server cannot be reached, " + failure.errorClass() + ": " + failure.sentence());
        }
        if (ended.failure() != null) {
            throw failed("the token server's answer did not arrive completely");
        }
        return read(answer.status(), reader.excerpt());
    }

    private static AccessToken read(int status, String body) throws TokenException {
        JsonObject json = object(body);
        if (status != 200) {
            String code = text(json, "error");
            // Section 5.2 has a fixed set of codes; whatever else stands there may be anything.
            boolean known = code != null && code.matches("[a-z_]{1,40}");
            throw failed("the token server answered " + status + (known ? " " + code : ""));
        }
        String token = text(json, "access_token");
        String type = text(json, "token_type");
        if (token == null || token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw failed("the token server's answer has no access_token");
        }
        if (type != null && !type.equalsIgnoreCase("bearer")) {
            throw failed("the token server's answer has another token_type than Bearer");
        }
        long life = Math.clamp(seconds(json), 0, LONGEST_LIFE_SECONDS);
        // A tenth of its life, at most half a minute, before its end.
        long margin = Math.min(TimeUnit.SECONDS.toNanos(30), TimeUnit.SECONDS.toNanos(life) / 10);
        return new AccessToken(token, System.nanoTime() + TimeUnit.SECONDS.toNanos(life) - margin);
    }

    private static @Nullable JsonObject object(String body) {
        try {
            JsonElement json = JsonParser.parseString(body);
            return json.isJsonObject() ? json.getAsJsonObject() : null;
        } catch (JsonParseException e) {
            return null;
        }
    }

    private static @Nullable String text(@Nullable JsonObject json, String name) {
        JsonElement value = json == null ? null : json.get(name);
        return value != null && value.isJsonPrimitive() ? value.getAsString() : null;
    }

    private static long seconds(@Nullable JsonObject json) {
        String given = text(json, "expires_in");
        return given != null && given.matches("[0-9]{1,10}") ? Long.parseLong(given) : USUAL_LIFE_SECONDS;
    }

    private static void put(Map<String, String> form, String name, @Nullable String value) {
        if (value != null) {
            form.put(name, value);
        }
    }

    private static String encode(String value) {
        return URLEncoder.encode(value, UTF_8);
    }

    private static TokenException failed(String sentence) {
        return new TokenException(new SendFailure("oauth2", sentence));
    }
}
