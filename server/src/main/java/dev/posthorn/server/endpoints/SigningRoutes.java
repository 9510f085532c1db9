package dev.posthorn.server.endpoints;

import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.EndpointKeyPair;
import dev.posthorn.vault.EndpointSecret;
import dev.posthorn.vault.EndpointSecrets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What receivers verify with: the endpoint's secret, and the public key of its key pair; and how either is changed. */
public final class SigningRoutes {
    private static final Duration USUAL_OVERLAP = Duration.ofDays(1);
    private static final int LONGEST_OVERLAP = 30 * 86_400;

    private static final String RECORD = "SELECT posthorn.record_audit(?::text, 'webhook_endpoint', ?, ?)";

    private final EndpointSecrets secrets;

    /** An endpoint that the caller may see. */
    private record Seen(UUID id, UUID community) {}

    private SigningRoutes(EndpointSecrets secrets) {
        this.secrets = secrets;
    }

    /** Adds the routes. */
    public static void add(Api api, EndpointSecrets secrets) {
        SigningRoutes routes = new SigningRoutes(secrets);
        String one = EndpointRoutes.BASE + "/{endpoint}";
        api.get(one + "/secret", routes::readSecret);
        api.post(one + "/secret/rotate", routes::rotateSecret);
        api.get(one + "/public-key", routes::readKey);
        api.post(one + "/public-key/rotate", routes::rotateKey);
    }

    private void readSecret(ApiRequest request) throws SQLException {
        Seen endpoint = endpoint(request, "webhooks:read_secret");
        answerSecrets(request, request.service().transaction(connection -> {
            record(connection, endpoint, "webhook_endpoint.secret_read");
            return secrets.read(connection, endpoint.id());
        }));
    }

    private void rotateSecret(ApiRequest request) throws SQLException {
        Seen endpoint = endpoint(request, "webhooks:write");
        Duration overlap = overlap(request);
        answerSecrets(request, request.service().transaction(connection -> {
            record(connection, endpoint, "webhook_endpoint.secret_rotated");
            return secrets.rotate(connection, endpoint.id(), overlap);
        }));
    }

    private void readKey(ApiRequest request) throws SQLException {
        UUID id = endpoint(request, "webhooks:read").id();
        answerKeys(request, request.service().transaction(connection -> secrets.readKeyPairs(connection, id)));
    }

    private void rotateKey(ApiRequest request) throws SQLException {
        Seen endpoint = endpoint(request, "webhooks:write");
        Duration overlap = overlap(request);
        answerKeys(request, request.service().transaction(connection -> {
            record(connection, endpoint, "webhook_endpoint.key_pair_rotated");
            return secrets.rotateKeyPair(connection, endpoint.id(), overlap);
        }));
    }

    private static void record(Connection connection, Seen endpoint, String action) throws SQLException {
        ApiDatabase.rows(connection, RECORD, action, endpoint.id(), endpoint.community());
    }

    /** The endpoint of the path, which the caller must be able to see. */
    private static Seen endpoint(ApiRequest request, String scope) throws SQLException {
        UUID community = request.community(scope);
        UUID id = EndpointRoutes.endpoint(request);
        EndpointRoutes.read(request, community, id);
        return new Seen(id, community);
    }

    private static Duration overlap(ApiRequest request) {
        JsonNode body = request.optionalBody(List.of("overlap_seconds"));
        return Duration.ofSeconds(
                ApiRequest.number(body, "overlap_seconds", (int) USUAL_OVERLAP.toSeconds(), 0, LONGEST_OVERLAP));
    }

    private static void answerSecrets(ApiRequest request, List<EndpointSecret> inUse) {
        if (inUse.isEmpty()) {
            throw Problem.notFound("endpoint");
        }
        ObjectNode answer = ApiRequest.JSON.createObjectNode();
        answer.put("secret", inUse.get(0).secret().encoded());
        answer.put("version", inUse.get(0).version());
        ArrayNode previous = answer.putArray("previous");
        inUse.stream().skip(1).forEach(older -> addOlder(previous, older.version(), older.expiresAt()));
        request.http().header("Cache-Control", "no-store");
        request.answer(200, ApiRequest.JSON.writeValueAsString(answer));
    }

    private static void answerKeys(ApiRequest request, List<EndpointKeyPair> inUse) {
        if (inUse.isEmpty()) {
            throw Problem.notFound("endpoint");
        }
        ObjectNode answer = ApiRequest.JSON.createObjectNode();
        answer.put("public_key", inUse.get(0).key().verifyingKey().encoded());
        answer.put("version", inUse.get(0).version());
        ArrayNode previous = answer.putArray("previous");
        inUse.stream()
                .skip(1)
                .forEach(older -> addOlder(previous, older.version(), older.expiresAt())
                        .put("public_key", older.key().verifyingKey().encoded()));
        request.answer(200, ApiRequest.JSON.writeValueAsString(answer));
    }

    private static ObjectNode addOlder(ArrayNode previous, int version, @Nullable Instant expiresAt) {
        return previous.addObject().put("version", version).put("expires_at", String.valueOf(expiresAt));
    }
}
