package dev.posthorn.server.endpoints;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.endpoint.Authentication;
import dev.posthorn.delivery.endpoint.ClientCertificate;
import dev.posthorn.delivery.endpoint.CustomHeaders;
import dev.posthorn.delivery.endpoint.InvalidCredentialException;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.CredentialKind;
import dev.posthorn.vault.EndpointCredentials;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The fields of an endpoint that go to the vault: taken, checked, described without their secrets, and never given back. */
final class CredentialFields {
    static final List<String> KNOWN = List.of("headers", "authentication", "client_certificate");

    private static final String MASK = "***";

    private final EndpointCredentials credentials;
    private final AddressPolicy addresses;

    CredentialFields(EndpointCredentials credentials, AddressPolicy addresses) {
        this.credentials = credentials;
        this.addresses = addresses;
    }

    /** Whether any of them is given. */
    static boolean anyIn(JsonNode body) {
        return KNOWN.stream().anyMatch(body::has);
    }

    /** Stores what is given, in a transaction of the service. */
    void store(Connection connection, UUID endpoint, JsonNode body) throws SQLException {
        try {
            JsonNode headers = body.get("headers");
            if (headers != null) {
                storeHeaders(connection, endpoint, headers);
            }
            JsonNode authentication = body.get("authentication");
            if (authentication != null) {
                storeAuthentication(connection, endpoint, authentication);
            }
            JsonNode certificate = body.get("client_certificate");
            if (certificate != null) {
                storeCertificate(connection, endpoint, certificate);
            }
            refuseTwoAuthorizations(connection, endpoint);
        } catch (InvalidCredentialException e) {
            throw Problem.invalid(e.pointer(), e.sentence());
        }
    }

    /** As a JSON merge patch (RFC 7396): what is named is set or, by null, taken away; what is not stays. */
    private void storeHeaders(Connection connection, UUID endpoint, JsonNode given) throws SQLException {
        if (!given.isObject() && !given.isNull()) {
            throw Problem.invalid("/headers", "headers must be an object of names and values, or null for none");
        }
        Map<String, String> headers = new LinkedHashMap<>();
        if (given.isObject()) {
            headers.putAll(headers(connection, endpoint));
            for (Map.Entry<String, JsonNode> header : given.properties()) {
                String name = header.getKey();
                headers.keySet().removeIf(known -> known.equalsIgnoreCase(name) && !given.has(known));
                if (header.getValue().isNull()) {
                    headers.keySet().removeIf(name::equalsIgnoreCase);
                } else {
                    headers.put(
                            name, secret("/headers/" + name.replace("~", "~0").replace("/", "~1"), header.getValue()));
                }
            }
        }
        CustomHeaders.check(headers);
        if (headers.isEmpty()) {
            credentials.remove(connection, endpoint, CredentialKind.HEADERS);
            return;
        }
        ObjectNode shown = ApiRequest.JSON.createObjectNode();
        headers.keySet().forEach(name -> shown.put(name, MASK));
        set(connection, endpoint, CredentialKind.HEADERS, CustomHeaders.write(headers), shown);
    }

    private Map<String, String> headers(Connection connection, UUID endpoint) throws SQLException {
        return credentials
                .read(connection, endpoint, CredentialKind.HEADERS)
                .map(CustomHeaders::read)
                .orElse(Map.of());
    }

    private void storeAuthentication(Connection connection, UUID endpoint, JsonNode given) throws SQLException {
        String type = given.isNull() ? "none" : text(object("/authentication", given), "/authentication/type", "type");
        ObjectNode shown = ApiRequest.JSON.createObjectNode().put("type", type);
        String in = "/authentication/";
        Authentication authentication;
        switch (type == null ? "" : type) {
            case "none" -> {
                onlyKnown(given, "/authentication", List.of("type"));
                credentials.remove(connection, endpoint, CredentialKind.AUTHENTICATION);
                return;
            }
            case Authentication.Basic.TYPE -> {
                onlyKnown(given, "/authentication", List.of("type", "username", "password"));
                String username = required(given, in, "username");
                authentication = new Authentication.Basic(username, secret(in + "password", given.get("password")));
                shown.put("username", username).put("password", MASK);
            }
            case Authentication.Bearer.TYPE -> {
                onlyKnown(given, "/authentication", List.of("type", "token"));
                authentication = new Authentication.Bearer(secret(in + "token", given.get("token")));
                shown.put("token", MASK);
            }
            case Authentication.ClientCredentials.TYPE -> authentication = clientCredentials(given, shown);
            default ->
                throw Problem.invalid(
                        "/authentication/type", "type must be none, basic, bearer or oauth2_client_credentials");
        }
        set(connection, endpoint, CredentialKind.AUTHENTICATION, authentication.write(), shown);
    }

    private Authentication clientCredentials(JsonNode given, ObjectNode shown) {
        String in = "/authentication/";
        onlyKnown(
                given,
                "/authentication",
                List.of("type", "token_url", "client_id", "client_secret", "scope", "audience", "credentials_in"));
        String url;
        try {
            url = addresses.accept(required(given, in, "token_url")).toString();
        } catch (TargetRefusedException e) {
            throw Problem.invalid(
                    "/authentication/token_url",
                    "token_url is refused, class " + e.reason().label() + ": " + e.sentence());
        }
        String place = text(given, in + "credentials_in", "credentials_in");
        if (place != null && !place.equals("header") && !place.equals("body")) {
            throw Problem.invalid(in + "credentials_in", "credentials_in must be header or body");
        }
        Authentication.ClientCredentials grant = new Authentication.ClientCredentials(
                url,
                required(given, in, "client_id"),
                secret(in + "client_secret", given.get("client_secret")),
                text(given, in + "scope", "scope"),
                text(given, in + "audience", "audience"),
                "body".equals(place));
        shown.put("token_url", grant.tokenUrl())
                .put("client_id", grant.clientId())
                .put("client_secret", MASK)
                .put("scope", grant.scope())
                .put("audience", grant.audience())
                .put("credentials_in", grant.credentialsInBody() ? "body" : "header");
        return grant;
    }

    private void storeCertificate(Connection connection, UUID endpoint, JsonNode given) throws SQLException {
        if (given.isNull()) {
            credentials.remove(connection, endpoint, CredentialKind.CLIENT_CERTIFICATE);
            return;
        }
        String in = "/client_certificate/";
        object("/client_certificate", given);
        onlyKnown(given, "/client_certificate", List.of("certificate", "private_key"));
        ClientCertificate pair = ClientCertificate.parse(
                required(given, in, "certificate"),
                secret(in + "private_key", given.get("private_key")),
                Instant.now());
        ObjectNode shown = ApiRequest.JSON
                .createObjectNode()
                .put("subject", pair.subject())
                .put("issuer", pair.issuer())
                .put("not_after", pair.notAfter().toString())
                .put("sha256", pair.fingerprint());
        set(connection, endpoint, CredentialKind.CLIENT_CERTIFICATE, pair.write(), shown);
    }

    private void refuseTwoAuthorizations(Connection connection, UUID endpoint) throws SQLException {
        for (String name : headers(connection, endpoint).keySet()) {
            if (name.toLowerCase(Locale.ROOT).equals("authorization")
                    && credentials
                            .read(connection, endpoint, CredentialKind.AUTHENTICATION)
                            .isPresent()) {
                throw Problem.invalid(
                        "/headers/" + name, "the header " + name + " cannot be set beside authentication: give one up");
            }
        }
    }

    private void set(Connection connection, UUID endpoint, CredentialKind kind, String credential, ObjectNode shown)
            throws SQLException {
        credentials.set(connection, endpoint, kind, credential, ApiRequest.JSON.writeValueAsString(shown));
    }

    private static JsonNode object(String pointer, JsonNode value) {
        if (!value.isObject()) {
            throw Problem.invalid(pointer, pointer.substring(1) + " must be an object, or null for none");
        }
        return value;
    }

    private static void onlyKnown(JsonNode object, String pointer, List<String> known) {
        if (!object.isObject()) {
            return;
        }
        for (String name : object.propertyNames()) {
            if (!known.contains(name)) {
                throw Problem.invalid(
                        pointer + "/" + name, "unknown field; known here are " + String.join(", ", known));
            }
        }
    }

    /** A secret; the mask of an answer is none, and sending it back must not set it. */
    private static String secret(String pointer, @Nullable JsonNode value) {
        if (value == null || !value.isString()) {
            throw Problem.invalid(pointer, "it must be a text");
        }
        if (value.stringValue().equals(MASK)) {
            throw Problem.invalid(
                    pointer, "*** is what answers show in its place; leave it out, or give the value itself");
        }
        return value.stringValue();
    }

    private static String required(JsonNode object, String in, String name) {
        String value = text(object, in + name, name);
        if (value == null) {
            throw Problem.invalid(in + name, name + " is missing");
        }
        return value;
    }

    private static @Nullable String text(JsonNode object, String pointer, String name) {
        JsonNode value = object.get(name);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isString()) {
            throw Problem.invalid(pointer, name + " must be a text");
        }
        return value.stringValue();
    }
}
