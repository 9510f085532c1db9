package dev.posthorn.integrations.jdbc;

import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * What an integration says: which database, which rows.
 *
 * @param kind {@code postgresql}, or one that the operator has a driver for
 * @param port empty: the usual one of the kind
 * @param certificate PEM of the only authority or certificate that is trusted; empty: the authorities that Java trusts
 * @param parameters by name, only those that the schema of the configuration lists
 * @param query one {@code SELECT}, the owner's own
 * @param idColumn names a row
 * @param cursorColumn grows with each change; empty: all rows are read each time
 * @param overlap so much before the last value is read once more at the beginning of a run
 */
record JdbcConfiguration(
        String kind,
        String host,
        Optional<Integer> port,
        String database,
        String username,
        Tls tls,
        Optional<String> certificate,
        Map<String, String> parameters,
        String query,
        String recordType,
        String idColumn,
        Optional<String> cursorColumn,
        Duration overlap,
        int fetchSize,
        Duration timeout) {
    static final String POSTGRESQL = "postgresql";

    /** How far the server is trusted. */
    enum Tls {
        /** Encrypted; certificate and name are checked. */
        VERIFY_FULL,
        /** Encrypted; the certificate is checked, the name is not. */
        VERIFY_CA,
        /** In the clear. */
        DISABLE
    }

    static JdbcConfiguration of(JsonNode json) {
        Map<String, String> parameters = new HashMap<>();
        json.path("parameters")
                .properties()
                .forEach(one -> parameters.put(one.getKey(), one.getValue().asString()));
        return new JdbcConfiguration(
                json.path("kind").asString(POSTGRESQL),
                json.path("host").asString(""),
                json.path("port").isInt() ? Optional.of(json.path("port").intValue()) : Optional.empty(),
                json.path("database").asString(""),
                json.path("username").asString(""),
                Tls.valueOf(json.path("tls")
                        .asString("verify-full")
                        .toUpperCase(Locale.ROOT)
                        .replace('-', '_')),
                Optional.ofNullable(json.path("ca_certificate").asString(null)),
                parameters,
                json.path("query").asString(""),
                json.path("record_type").asString("row"),
                json.path("id_column").asString("id"),
                Optional.ofNullable(json.path("cursor_column").asString(null)),
                Duration.ofSeconds(json.path("overlap_seconds").asInt(0)),
                json.path("fetch_size").asInt(500),
                Duration.ofSeconds(json.path("timeout_seconds").asInt(300)));
    }

    String address() {
        return host + port.map(number -> ":" + number).orElse("");
    }
}
