package dev.posthorn.server.apikeys;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.server.rest.Api;
import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

/**
 * {@code POST /v1/api-keys/leaks}: reports of keys that were found in public, in the format of GitHub's secret scanning. A key that is
 * one of ours is revoked at once, and its community hears of it by {@code api_key.exposed}. Without configured public keys the
 * route does not exist.
 */
public final class LeakReports {
    private static final int MOST_TOKENS = 1_000;
    private static final String REVOKE =
            "SELECT hash, known FROM posthorn.report_exposed_api_keys(?, 'leak report', ?)";

    private final ApiDatabase database;
    private final LeakReportKeys keys;

    private LeakReports(ApiDatabase database, LeakReportKeys keys) {
        this.database = database;
        this.keys = keys;
    }

    /** A reported token: what it hashes to, and where it was found. */
    private record Report(byte[] hash, String type, String url) {}

    /** Adds the route. */
    public static void add(Api api, ApiDatabase database, LeakReportKeys keys) {
        if (keys.any()) {
            api.open(HandlerType.POST, "/api-keys/leaks", new LeakReports(database, keys)::receive);
        }
    }

    private void receive(Context context) throws SQLException {
        String body = context.body();
        if (!keys.signed(
                context.header("Github-Public-Key-Identifier"), context.header("Github-Public-Key-Signature"), body)) {
            throw Problem.unauthorized("the signature of the report is not that of a configured key");
        }
        Map<String, Report> reports = read(body);
        Map<String, Boolean> known = database.transaction(connection -> revoke(connection, reports));
        ArrayNode answer = ApiRequest.JSON.createArrayNode();
        reports.forEach((hash, report) -> answer.addObject()
                .put("token_hash", hash)
                .put("token_type", report.type())
                .put("label", known.getOrDefault(hash, false) ? "true_positive" : "false_positive"));
        context.contentType("application/json").result(ApiRequest.JSON.writeValueAsString(answer));
    }

    private static Map<String, Report> read(String body) {
        JsonNode listed;
        try {
            listed = ApiRequest.JSON.readTree(body);
        } catch (JacksonException e) {
            throw Problem.malformed("the body is no JSON");
        }
        if (!listed.isArray() || listed.size() > MOST_TOKENS) {
            throw Problem.invalid("", "the body must be a list of at most " + MOST_TOKENS + " reports");
        }
        Map<String, Report> reports = new LinkedHashMap<>();
        for (int i = 0; i < listed.size(); i++) {
            JsonNode report = listed.get(i);
            String token = report.isObject() ? ApiRequest.text(report, "token") : null;
            if (token == null) {
                throw Problem.invalid("/" + i + "/token", "token must be a text");
            }
            Optional<ApiKey> key = ApiKey.parse(token);
            // What cannot be a key of ours is hashed too, so that each token gets its answer.
            byte[] hash = key.map(ApiKey::hash).orElseGet(() -> ApiKey.hashOf(token));
            String url = ApiRequest.text(report, "url");
            String type = ApiRequest.text(report, "type");
            reports.put(
                    Base64.getEncoder().encodeToString(hash),
                    new Report(
                            hash,
                            type == null ? "" : type,
                            url == null ? "" : url.substring(0, Math.min(url.length(), 2048))));
        }
        return reports;
    }

    private static Map<String, Boolean> revoke(Connection connection, Map<String, Report> reports) throws SQLException {
        Map<String, Boolean> known = new LinkedHashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(REVOKE)) {
            statement.setArray(
                    1,
                    connection.createArrayOf(
                            "bytea", reports.values().stream().map(Report::hash).toArray(byte[][]::new)));
            statement.setArray(
                    2,
                    connection.createArrayOf(
                            "text", reports.values().stream().map(Report::url).toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    known.put(Base64.getEncoder().encodeToString(row.getBytes(1)), row.getBoolean(2));
                }
            }
        }
        return known;
    }
}
