package dev.posthorn.server.rest;

import dev.posthorn.apikeys.Scopes;
import dev.posthorn.apikeys.verify.StoredKey;
import io.javalin.http.Context;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One authenticated request. For one thread. */
public final class ApiRequest {
    /** What the statement of a list begins with; see {@link #answerPage}. */
    public static final String PAGE = "WITH page AS (SELECT ?::uuid AS below, ?::integer AS size) ";

    /** Reads and writes JSON. */
    public static final JsonMapper JSON = JsonMapper.builder().build();

    private static final int LARGEST_PAGE = 250;
    private static final int USUAL_PAGE = 50;

    private final Context context;
    private final CommunityLookup communities;
    private final ApiDatabase service;
    private final ApiDatabase database;
    private final StoredKey caller;

    ApiRequest(Context context, ApiDatabase service, CommunityLookup communities, StoredKey caller) {
        this.context = context;
        this.communities = communities;
        this.service = service.inTheNameOf(caller);
        this.database = service.actingFor(caller);
        this.caller = caller;
    }

    /** The key that the request came with. */
    public StoredKey caller() {
        return caller;
    }

    /** The HTTP request and answer. */
    public Context http() {
        return context;
    }

    /** The database, as the caller: shows and does no more than the key may. */
    public ApiDatabase database() {
        return database;
    }

    /**
     * The database, as the service, with the caller as the one whom the audit log names: for what no member may touch, after the caller's
     * right to it was asked for.
     */
    public ApiDatabase service() {
        return service;
    }

    /** Refuses keys without a scope. */
    public void require(String scope) {
        if (!Scopes.cover(caller.scopes(), scope)) {
            context.header(
                    "WWW-Authenticate",
                    "Bearer realm=\"posthorn\", error=\"insufficient_scope\", scope=\"" + scope + "\"");
            throw Problem.forbidden(scope);
        }
    }

    /** Refuses keys of a community: what belongs to the installation is for service keys. */
    public void requireService(String scope) {
        if (caller.communityId() != null) {
            throw Problem.notFound("resource");
        }
        require(scope);
    }

    /** The community of the path, by its id or {@code ext:…}; one that the key does not belong to is as if it did not exist. */
    public UUID community(String scope) throws SQLException {
        UUID found = communities.find(context.pathParam("community")).orElseThrow(() -> Problem.notFound("community"));
        if (caller.communityId() != null && !caller.communityId().equals(found)) {
            throw Problem.notFound("community");
        }
        require(scope);
        return found;
    }

    /** A path parameter that is an id; a text that is none is one that does not exist. */
    public UUID id(String parameter, String what) {
        try {
            return UUID.fromString(context.pathParam(parameter));
        } catch (IllegalArgumentException e) {
            throw Problem.notFound(what);
        }
    }

    /** The body as a JSON object whose fields are all among the known ones. */
    public JsonNode body(List<String> known) {
        JsonNode body = body();
        for (String name : body.propertyNames()) {
            if (!known.contains(name)) {
                throw Problem.invalid("/" + name, "unknown field; known are " + String.join(", ", known));
            }
        }
        return body;
    }

    /** The body as a JSON object. */
    public JsonNode body() {
        JsonNode body;
        try {
            body = JSON.readTree(context.body());
        } catch (JacksonException e) {
            throw Problem.malformed("the body is no JSON: " + e.getOriginalMessage());
        }
        if (body == null || !body.isObject()) {
            throw Problem.malformed("the body must be a JSON object");
        }
        for (String name : body.propertyNames()) {
            if (holdsNul(body.get(name))) {
                throw Problem.invalid("/" + name, name + " holds the character U+0000, which PostgreSQL cannot store");
            }
        }
        return body;
    }

    private static boolean holdsNul(JsonNode value) {
        return value.isString()
                ? value.stringValue().indexOf(0) >= 0
                : value.valueStream().anyMatch(ApiRequest::holdsNul);
    }

    /** The body as {@link #body} has it; an empty one is an object without fields. */
    public JsonNode optionalBody(List<String> known) {
        return context.body().isBlank() ? JSON.createObjectNode() : body(known);
    }

    /** A field that is a whole number; the given one if it is missing. */
    public static int number(JsonNode body, String name, int usual, int least, int most) {
        JsonNode value = body.get(name);
        if (value == null) {
            return usual;
        }
        if (!value.isInt() || value.intValue() < least || value.intValue() > most) {
            throw Problem.invalid("/" + name, name + " must be a number from " + least + " to " + most);
        }
        return value.intValue();
    }

    /** A field that is a text; null if it is missing or null. */
    public static @Nullable String text(JsonNode body, String name) {
        JsonNode value = body.get(name);
        if (value == null || value.isNull()) {
            return null;
        }
        if (!value.isString()) {
            throw Problem.invalid("/" + name, name + " must be a text");
        }
        return value.stringValue();
    }

    /** A field that is a text and must be there. */
    public static String requiredText(JsonNode body, String name) {
        String value = text(body, name);
        if (value == null) {
            throw Problem.invalid("/" + name, name + " is missing");
        }
        return value;
    }

    /** Answers one resource. */
    public void answer(int status, String json) {
        context.status(status).contentType("application/json").result(json);
    }

    /**
     * Answers a page of a list, the newest first. The statement begins with {@link #PAGE}, whose parameters are set here; its rows are
     * JSON objects with an {@code id}.
     */
    public void answerPage(String sql, @Nullable Object... arguments) throws SQLException {
        int limit = limit();
        String cursor = context.queryParam("cursor");
        UUID below = null;
        if (cursor != null) {
            try {
                below = UUID.fromString(cursor);
            } catch (IllegalArgumentException e) {
                throw Problem.invalid("", "cursor must be the next_cursor of an earlier answer");
            }
        }
        @Nullable Object[] all = new @Nullable Object[arguments.length + 2];
        all[0] = below;
        all[1] = limit + 1;
        System.arraycopy(arguments, 0, all, 2, arguments.length);
        List<String> rows = database.rows(sql, all);
        boolean more = rows.size() > limit;
        List<String> page = more ? rows.subList(0, limit) : rows;
        String next = more ? "\"" + JSON.readTree(page.get(limit - 1)).get("id").stringValue() + "\"" : "null";
        answer(200, "{\"data\":[" + String.join(",", page) + "],\"next_cursor\":" + next + "}");
    }

    private int limit() {
        String given = context.queryParam("limit");
        if (given == null) {
            return USUAL_PAGE;
        }
        try {
            int limit = Integer.parseInt(given);
            if (limit >= 1 && limit <= LARGEST_PAGE) {
                return limit;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw Problem.invalid("", "limit must be a number from 1 to " + LARGEST_PAGE);
    }
}
