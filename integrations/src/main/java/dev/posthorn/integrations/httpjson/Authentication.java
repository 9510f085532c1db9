package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.HttpCall;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import tools.jackson.databind.JsonNode;

/** Shows the other side who asks. For one thread. */
sealed interface Authentication permits Authentication.FixedHeader, Authentication.Nobody, ClientCredentials {
    /** The request with what it needs. */
    HttpCall sign(HttpCall call) throws ConnectorException, InterruptedException;

    /** Forgets what was refused. Returns false if there is nothing that could be obtained anew. */
    boolean renew();

    /** Reads {@code auth} of a configuration. */
    static Authentication of(ConnectorContext context) throws ConnectorException {
        JsonNode auth = context.configuration().path("auth");
        Credentials credentials = context.credentials();
        return switch (auth.path("type").asString("none")) {
            case "none" -> new Nobody();
            case "basic" ->
                new FixedHeader(
                        "Authorization",
                        "Basic " + base64(credentials.require("username") + ":" + credentials.require("password")));
            case "bearer" -> new FixedHeader("Authorization", "Bearer " + sendable(credentials, "token"));
            case "header" ->
                new FixedHeader(
                        auth.path("header").asString(),
                        auth.path("prefix").asString("") + sendable(credentials, "header_value"));
            case "oauth2_client_credentials" -> new ClientCredentials(context, auth);
            default ->
                throw new ConnectorException(
                        Failure.CONFIGURATION,
                        "auth.type must be none, basic, bearer, header or oauth2_client_credentials");
        };
    }

    static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String sendable(Credentials credentials, String name) throws ConnectorException {
        String value = credentials.require(name);
        if (!isSendable(value)) {
            throw new ConnectorException(
                    Failure.CREDENTIALS,
                    "the credential \"" + name + "\" holds characters that a header cannot carry, such as the end of a"
                            + " line; store it again without them");
        }
        return value;
    }

    /** Whether a header can carry a value: printable ASCII without a blank at either end. */
    static boolean isSendable(String value) {
        return !value.isEmpty()
                && value.strip().length() == value.length()
                && value.chars().allMatch(c -> c >= ' ' && c < 0x7f);
    }

    /** Nothing. */
    record Nobody() implements Authentication {
        @Override
        public HttpCall sign(HttpCall call) {
            return call;
        }

        @Override
        public boolean renew() {
            return false;
        }
    }

    /** The same header each time. */
    record FixedHeader(String name, String value) implements Authentication {
        @Override
        public HttpCall sign(HttpCall call) {
            return call.with(name, value);
        }

        @Override
        public boolean renew() {
            return false;
        }

        /** Prints no secret. */
        @Override
        public String toString() {
            return name;
        }
    }
}
