package dev.posthorn.vault.hashicorp;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import dev.posthorn.vault.VaultException;
import dev.posthorn.vault.VaultException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Calls the vault's HTTP API, logged in, and tells what its answers mean. Thread-safe. */
final class HashicorpClient {
    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration ANSWER = Duration.ofSeconds(5);
    /** A value, base64 and all, with room to spare. */
    private static final int LARGEST_ANSWER = 1024 * 1024;

    private static final int TOO_MANY = 429;

    private final HashicorpSettings settings;
    private final HashicorpLogin login;
    private final HttpClient http;
    private volatile @Nullable String token;

    /**
     * An answer that is none of the vault's own troubles.
     *
     * @param status 200, 204, 400 or 404
     * @param body an empty object if there was none
     */
    record Answer(int status, JsonObject body) {
        /** Whether one of the errors says so. */
        boolean complains(String of) {
            JsonElement errors = body.get("errors");
            return errors instanceof JsonArray list && list.toString().contains(of);
        }
    }

    HashicorpClient(HashicorpSettings settings, HashicorpLogin login) {
        this.settings = settings;
        this.login = login;
        HttpClient.Builder builder = HttpClient.newBuilder()
                .connectTimeout(CONNECT)
                .followRedirects(Redirect.NEVER)
                .version(Version.HTTP_1_1)
                .proxy(HttpClient.Builder.NO_PROXY);
        if (settings.caFile() != null) {
            builder.sslContext(TrustedCertificates.of(settings.caFile()));
        }
        this.http = builder.build();
    }

    /** Calls; a token that is no longer good is replaced once. */
    Answer call(String method, String path, @Nullable JsonObject body) {
        String known = token;
        String used = known == null ? logIn() : known;
        HttpResponse<InputStream> answer = send(method, path, body, used);
        if (answer.statusCode() == 403) {
            String fresh = logIn();
            // The same token again has the same rights.
            if (!fresh.equals(used)) {
                close(answer);
                answer = send(method, path, body, fresh);
            }
        }
        return judge(method + " " + path, answer);
    }

    private String logIn() {
        String fresh = switch (login) {
            case HashicorpLogin.Token given -> read(given.file());
            case HashicorpLogin.AppRole role -> logIn(role);
        };
        token = fresh;
        return fresh;
    }

    private String logIn(HashicorpLogin.AppRole role) {
        JsonObject body = new JsonObject();
        body.addProperty("role_id", role.roleId());
        body.addProperty("secret_id", read(role.secretIdFile()));
        Answer answer = judge("the login", send("POST", "auth/" + role.mount() + "/login", body, null));
        if (answer.status() == 200
                && answer.body().get("auth") instanceof JsonObject auth
                && auth.get("client_token") instanceof JsonPrimitive given) {
            return given.getAsString();
        }
        throw new VaultException(
                Reason.FORBIDDEN,
                "the vault at " + settings.address() + " does not let the AppRole " + role.roleId()
                        + " in; check the role id and the secret id in " + role.secretIdFile(),
                null);
    }

    private HttpResponse<InputStream> send(
            String method, String path, @Nullable JsonObject body, @Nullable String with) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(settings.address() + "/v1/" + path))
                .timeout(ANSWER)
                .header("X-Vault-Request", "true")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body.toString()));
        if (with != null) {
            try {
                request.header("X-Vault-Token", with);
            } catch (IllegalArgumentException e) {
                throw new VaultException(
                        Reason.FORBIDDEN, "what is in place of the vault's token is none: " + login, null);
            }
        }
        if (settings.namespace() != null) {
            request.header("X-Vault-Namespace", settings.namespace());
        }
        try {
            return http.send(request.build(), BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new VaultException(
                    Reason.UNAVAILABLE,
                    "the vault at " + settings.address() + " cannot be reached: "
                            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new VaultException(Reason.UNAVAILABLE, "the call of the vault was interrupted", e);
        }
    }

    private Answer judge(String what, HttpResponse<InputStream> response) {
        int status = response.statusCode();
        JsonObject body = read(response);
        Answer answer = new Answer(status, body);
        String where = "the vault at " + settings.address();
        return switch (status) {
            case 200, 204, 400, 404 -> answer;
            case 403 ->
                throw new VaultException(
                        Reason.FORBIDDEN,
                        where + " forbids " + what + " to the " + login + "; give it a policy as docs/vault.md shows",
                        null);
            case TOO_MANY -> throw new VaultException(Reason.UNAVAILABLE, where + " limits our calls; try again", null);
            case 503 ->
                throw new VaultException(
                        Reason.UNAVAILABLE,
                        answer.complains("sealed")
                                ? where + " is sealed; its operator must unseal it"
                                : where + " is not available now; try again",
                        null);
            case 301, 302, 303, 307, 308 ->
                throw new VaultException(
                        Reason.UNAVAILABLE,
                        where
                                + " sends us elsewhere, which is not followed; give the address of the active node, or of a balancer",
                        null);
            default ->
                throw new VaultException(
                        Reason.UNAVAILABLE, where + " answered " + what + " with status " + status, null);
        };
    }

    private JsonObject read(HttpResponse<InputStream> response) {
        try (InputStream in = response.body()) {
            byte[] bytes = in.readNBytes(LARGEST_ANSWER);
            if (bytes.length == 0) {
                return new JsonObject();
            }
            return JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8))
                    .getAsJsonObject();
        } catch (IOException e) {
            throw new VaultException(
                    Reason.UNAVAILABLE, "the vault at " + settings.address() + " broke off its answer", null);
        } catch (JsonParseException | IllegalStateException e) {
            if (response.statusCode() >= 300 && response.statusCode() != 400 && response.statusCode() != 404) {
                return new JsonObject();
            }
            throw new VaultException(
                    Reason.UNAVAILABLE,
                    "what answers at " + settings.address() + " is no vault: it does not speak JSON",
                    null);
        }
    }

    /** What a file holds. */
    private static String read(Path file) {
        try {
            String text = Files.readString(file).strip();
            if (!text.isEmpty()) {
                return text;
            }
        } catch (IOException e) {
            // Said below.
        }
        throw new VaultException(
                Reason.FORBIDDEN,
                "the file " + file + ", with which to log in to the vault, cannot be read or is empty",
                null);
    }

    private static void close(HttpResponse<InputStream> response) {
        try {
            response.body().close();
        } catch (IOException e) {
            // Its connection is not used again, then.
        }
    }
}
