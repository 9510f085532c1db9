package dev.posthorn.delivery.endpoint;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How requests to an endpoint authenticate, besides their signature. Immutable; its text form shows nothing secret. */
public sealed interface Authentication {
    /** As the API names it. */
    String type();

    /** As the vault keeps it. */
    String write();

    /** User name and password (RFC 7617). */
    record Basic(String username, String password) implements Authentication {
        /** The type's name. */
        public static final String TYPE = "basic";

        /** Refuses what the scheme cannot carry. */
        public Basic {
            Checks.text("username", username, 255);
            Checks.text("password", password, 1024);
            if (username.indexOf(':') >= 0) {
                throw new InvalidCredentialException("/authentication/username", "username must not hold a colon");
            }
        }

        @Override
        public String type() {
            return TYPE;
        }

        /** Value of the {@code authorization} header. */
        public String header() {
            return "Basic "
                    + Base64.getEncoder().encodeToString((username + ":" + password).getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String write() {
            return NamedLines.write(Map.of("type", TYPE, "username", username, "password", password));
        }

        @Override
        public String toString() {
            return TYPE;
        }
    }

    /** A token that does not change (RFC 6750). */
    record Bearer(String token) implements Authentication {
        /** The type's name. */
        public static final String TYPE = "bearer";

        /** Refuses what the scheme cannot carry. */
        public Bearer {
            Checks.token("token", token);
        }

        @Override
        public String type() {
            return TYPE;
        }

        /** Value of the {@code authorization} header. */
        public String header() {
            return "Bearer " + token;
        }

        @Override
        public String write() {
            return NamedLines.write(Map.of("type", TYPE, "token", token));
        }

        @Override
        public String toString() {
            return TYPE;
        }
    }

    /**
     * A token that is fetched from an authorization server with credentials of the client's own (RFC 6749, section 4.4).
     *
     * @param tokenUrl where it is fetched; the address policy holds for it
     * @param scope what is asked for; null to leave it to the server
     * @param audience for whom, which some servers want to know; null to leave it out
     * @param credentialsInBody send id and secret in the form instead of as HTTP Basic (RFC 6749, section 2.3.1)
     */
    record ClientCredentials(
            String tokenUrl,
            String clientId,
            String clientSecret,
            @Nullable String scope,
            @Nullable String audience,
            boolean credentialsInBody)
            implements Authentication {
        /** The type's name. */
        public static final String TYPE = "oauth2_client_credentials";

        /** Refuses what cannot be sent. */
        public ClientCredentials {
            Checks.text("token_url", tokenUrl, 2048);
            Checks.text("client_id", clientId, 255);
            Checks.text("client_secret", clientSecret, 2048);
            if (scope != null) {
                Checks.text("scope", scope, 1024);
            }
            if (audience != null) {
                Checks.text("audience", audience, 1024);
            }
        }

        @Override
        public String type() {
            return TYPE;
        }

        @Override
        public String write() {
            Map<String, String> values = new LinkedHashMap<>();
            values.put("type", TYPE);
            values.put("token_url", tokenUrl);
            values.put("client_id", clientId);
            values.put("client_secret", clientSecret);
            if (scope != null) {
                values.put("scope", scope);
            }
            if (audience != null) {
                values.put("audience", audience);
            }
            values.put("credentials_in", credentialsInBody ? "body" : "header");
            return NamedLines.write(values);
        }

        @Override
        public String toString() {
            return TYPE;
        }
    }

    /**
     * As the vault kept it.
     *
     * @throws IllegalArgumentException if it is none
     */
    static Authentication read(String stored) {
        Map<String, String> values = NamedLines.read(stored);
        return switch (values.getOrDefault("type", "")) {
            case Basic.TYPE -> new Basic(Checks.given(values, "username"), Checks.given(values, "password"));
            case Bearer.TYPE -> new Bearer(Checks.given(values, "token"));
            case ClientCredentials.TYPE ->
                new ClientCredentials(
                        Checks.given(values, "token_url"),
                        Checks.given(values, "client_id"),
                        Checks.given(values, "client_secret"),
                        values.get("scope"),
                        values.get("audience"),
                        "body".equals(values.get("credentials_in")));
            default -> throw new InvalidCredentialException("/authentication/type", "the type is not known");
        };
    }

    /** What values must be. */
    final class Checks {
        private Checks() {}

        private static String given(Map<String, String> values, String name) {
            String value = values.get(name);
            if (value == null) {
                throw new InvalidCredentialException("/authentication/" + name, name + " is missing");
            }
            return value;
        }

        private static void text(String name, String value, int longest) {
            if (value.isEmpty() || value.length() > longest || !value.chars().allMatch(c -> c >= ' ' && c != 0x7f)) {
                throw new InvalidCredentialException(
                        "/authentication/" + name,
                        name + " must be 1 to " + longest + " characters without line breaks or control characters");
            }
        }

        private static void token(String name, String value) {
            if (value.isEmpty() || value.length() > 4096 || !value.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
                throw new InvalidCredentialException(
                        "/authentication/" + name,
                        name + " must be 1 to 4096 printable ASCII characters without blanks");
            }
        }
    }
}
