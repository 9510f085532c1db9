package dev.posthorn.server.secrets;

import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.NewSecret;
import dev.posthorn.vault.SecretAuthor;
import dev.posthorn.vault.SecretChange;
import dev.posthorn.vault.Vault;
import dev.posthorn.vault.WrittenSecret;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * {@code /v1/communities/{community}/secrets}: what is put in and never comes out again. A secret that belongs to an endpoint or another
 * thing is changed where that thing is.
 */
public final class SecretRoutes {
    private static final String BASE = "/communities/{community}/secrets";
    private static final String ONE = BASE + "/{secret}";
    private static final int DAY_SECONDS = 86_400;
    private static final int MOST_OVERLAP_SECONDS = 30 * DAY_SECONDS;
    private static final String READ =
            "SELECT to_jsonb(s) FROM posthorn.vault_secret_summary AS s WHERE s.community_id = ? AND s.id = ?";
    private static final String LIST = ApiRequest.PAGE + """
            SELECT to_jsonb(s)
            FROM posthorn.vault_secret_summary AS s
            CROSS JOIN page
            WHERE s.community_id = ?
              AND (page.below IS NULL OR s.id < page.below)
              AND s.owner_id IS NOT DISTINCT FROM ?::uuid
              AND s.purpose = coalesce(?::text, s.purpose)
              AND s.name = coalesce(?::text, s.name)
              AND s.state = coalesce(?::text, s.state)
            ORDER BY s.id DESC
            LIMIT (SELECT size FROM page)
            """;

    private final Vault vault;

    private SecretRoutes(Vault vault) {
        this.vault = vault;
    }

    /** Adds the routes. */
    public static void add(Api api, Vault vault) {
        SecretRoutes routes = new SecretRoutes(vault);
        api.get(BASE, request -> {
            UUID community = begin(request, "secrets:read");
            request.answerPage(
                    LIST,
                    community,
                    query(request, "owner_id"),
                    query(request, "purpose"),
                    query(request, "name"),
                    query(request, "state"));
        });
        api.get(ONE, request -> request.answer(200, find(request, begin(request, "secrets:read"))));
        api.post(BASE, routes::create);
        api.put(ONE, request -> routes.write(request, List.of("value", "description", "expires_at"), 0));
        api.post(
                ONE + "/rotate",
                request -> routes.write(
                        request, List.of("value", "description", "expires_at", "overlap_seconds"), DAY_SECONDS));
        api.patch(ONE, routes::change);
        api.delete(ONE, routes::delete);
    }

    private void create(ApiRequest request) throws SQLException {
        UUID community = begin(request, "secrets:write");
        SecretBody body =
                SecretBody.read(request, List.of("name", "value", "purpose", "description", "expires_at", "reference"));
        String purpose = body.text("purpose");
        String description = body.text("description");
        NewSecret secret = new NewSecret(
                community,
                purpose == null ? "general" : purpose,
                null,
                body.requiredText("name"),
                description == null ? "" : description,
                body.fields(),
                body.expiresAt());
        String reference = body.text("reference");
        if (reference != null) {
            request.answer(201, show(request, community, refer(request, secret, body, reference)));
            return;
        }
        byte[] value = body.value();
        try {
            WrittenSecret written = vault.create(secret, value, author(request));
            request.answer(written.repeated() ? 200 : 201, show(request, community, written.id()));
        } finally {
            Arrays.fill(value, (byte) 0);
        }
    }

    /** Whoever names what is read elsewhere may have anything read that the installation may read: not for tenants. */
    private UUID refer(ApiRequest request, NewSecret secret, SecretBody body, String reference) {
        if (request.caller().communityId() != null) {
            throw Problem.refused("a reference can be made with a service key only; give the value itself");
        }
        if (body.has("value")) {
            throw Problem.invalid("/reference", "there must be either a value or a reference, not both");
        }
        int colon = reference.indexOf(':');
        if (colon < 1) {
            throw Problem.invalid("/reference", "reference must be a store and a name, such as supabase:bank_token");
        }
        return vault.refer(
                secret,
                reference.substring(0, colon),
                reference.substring(colon + 1),
                author(request).actor());
    }

    private void write(ApiRequest request, List<String> known, int usualOverlap) throws SQLException {
        UUID community = begin(request, "secrets:write");
        UUID id = writable(request, community);
        SecretBody body = SecretBody.read(request, known);
        SecretChange change =
                body.change(usualOverlap == 0 ? Duration.ZERO : body.overlap(usualOverlap, MOST_OVERLAP_SECONDS));
        byte[] value = body.value();
        try {
            JsonNode before = ApiRequest.JSON.readTree(show(request, community, id));
            if (!change.changesEnd() && before.get("state").stringValue().equals("expired")) {
                throw Problem.invalid("/expires_at", "the secret has expired; give it a new expires_at, or null");
            }
            vault.put(community, id, value, change, author(request));
            request.answer(200, show(request, community, id));
        } finally {
            Arrays.fill(value, (byte) 0);
        }
    }

    private void change(ApiRequest request) throws SQLException {
        UUID community = begin(request, "secrets:write");
        UUID id = writable(request, community);
        SecretBody body = SecretBody.read(request, List.of("description", "expires_at"));
        vault.change(community, id, body.change(Duration.ZERO), author(request).actor());
        request.answer(200, show(request, community, id));
    }

    private void delete(ApiRequest request) throws SQLException {
        UUID community = begin(request, "secrets:write");
        if (!vault.delete(
                community, writable(request, community), author(request).actor())) {
            throw Problem.notFound("secret");
        }
        request.http().status(204);
    }

    private static UUID begin(ApiRequest request, String scope) throws SQLException {
        request.http().header("Cache-Control", "no-store");
        return request.community(scope);
    }

    /** A secret that stands for itself. */
    private static UUID writable(ApiRequest request, UUID community) throws SQLException {
        JsonNode secret = ApiRequest.JSON.readTree(find(request, community));
        if (!secret.get("owner_id").isNull()) {
            throw Problem.conflict(
                    "this secret belongs to " + secret.get("owner_id").stringValue() + " ("
                            + secret.get("purpose").stringValue() + "); change it there");
        }
        return request.id("secret", "secret");
    }

    private static String find(ApiRequest request, UUID community) throws SQLException {
        return show(request, community, request.id("secret", "secret"));
    }

    private static String show(ApiRequest request, UUID community, UUID id) throws SQLException {
        return request.database().one(READ, community, id).orElseThrow(() -> Problem.notFound("secret"));
    }

    private static SecretAuthor author(ApiRequest request) {
        return new SecretAuthor("key:" + request.caller().id(), request.http().header("Idempotency-Key"));
    }

    private static @org.jspecify.annotations.Nullable String query(ApiRequest request, String name) {
        return request.http().queryParam(name);
    }
}
