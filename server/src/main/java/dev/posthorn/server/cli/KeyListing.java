package dev.posthorn.server.cli;

import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Keys as people read them. Shows what {@code api_key_summary} does, so no hash. */
final class KeyListing {
    private static final int PAGE = 1000;

    private static final String LIST = """
            SELECT to_jsonb(k)
            FROM posthorn.api_key_summary AS k
            WHERE (? OR k.community_id IS NOT DISTINCT FROM ?::uuid)
              AND k.state = coalesce(?::text, k.state)
              AND k.id < coalesce(?::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            ORDER BY k.id DESC
            LIMIT ?
            """;
    private static final String SHOW = "SELECT to_jsonb(k) FROM posthorn.api_key_summary AS k WHERE k.id = ?";
    private static final String CALLS = """
            SELECT string_agg(u.code || ' ' || u.calls, ', ' ORDER BY u.calls DESC)
            FROM (SELECT u.code, sum(u.calls) AS calls
                  FROM posthorn.api_key_usage AS u
                  WHERE u.api_key_id = ? AND u.hour >= posthorn.clock_now() - interval '7 days'
                  GROUP BY u.code) AS u
            """;
    private static final List<String> FIELDS = List.of(
            "id",
            "prefix",
            "name",
            "owner",
            "community_id",
            "mode",
            "state",
            "scopes",
            "allowed_networks",
            "rate_limits",
            "credits",
            "metadata",
            "expires_at",
            "previous_expires_at",
            "disabled_at",
            "revoked_at",
            "revoked_by",
            "revoked_reason",
            "last_used_at",
            "created_at",
            "created_by",
            "rotated_at",
            "updated_at");

    private KeyListing() {}

    static void print(
            Connection connection, boolean all, @Nullable UUID community, @Nullable KeyState state, boolean json)
            throws SQLException {
        String wanted = state == null ? null : state.name().toLowerCase(Locale.ROOT);
        String below = null;
        List<String> page;
        do {
            page = ApiDatabase.rows(connection, LIST, all, community, wanted, below, PAGE);
            for (String row : page) {
                JsonNode key = ApiRequest.JSON.readTree(row);
                below = text(key, "id");
                System.out.println(json ? row : line(key));
            }
        } while (page.size() == PAGE);
        if (below == null && !json) {
            System.err.println("posthorn: there are none");
        }
    }

    static void show(Connection connection, UUID id, boolean json) throws SQLException {
        String row = ApiDatabase.rows(connection, SHOW, id).get(0);
        if (json) {
            System.out.println(row);
            return;
        }
        JsonNode key = ApiRequest.JSON.readTree(row);
        for (String field : FIELDS) {
            String text = text(key, field);
            if (!text.isEmpty()) {
                System.out.printf("%-20s %s%n", field, text);
            }
        }
        List<String> calls = ApiDatabase.rows(connection, CALLS, id);
        System.out.printf("%-20s %s%n", "calls in 7 days", calls.isEmpty() ? "none" : calls.get(0));
    }

    private static String line(JsonNode key) {
        String last = text(key, "last_used_at");
        String expires = text(key, "expires_at");
        return String.join(
                "  ",
                text(key, "id"),
                text(key, "prefix"),
                String.format("%-8s", text(key, "state")),
                text(key, "community_id").isEmpty() ? "service" : text(key, "community_id"),
                last.isEmpty() ? "never used" : "used " + last,
                expires.isEmpty() ? "never expires" : "expires " + expires,
                text(key, "scopes"),
                text(key, "name"));
    }

    /** Empty for what is not there. Control characters would move a terminal's cursor. */
    private static String text(JsonNode key, String field) {
        JsonNode value = key.get(field);
        if (value == null || value.isNull()) {
            return "";
        }
        String text = value.isString()
                ? value.stringValue()
                : value.isArray()
                        ? value.valueStream().map(JsonNode::stringValue).collect(Collectors.joining(","))
                        : value.toString();
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
