package dev.posthorn.integrations.bank;

import dev.posthorn.integrations.bank.format.CsvFormat;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.nio.charset.Charset;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** Reads {@code csv} of a configuration. */
final class CsvConfiguration {
    private CsvConfiguration() {}

    static Optional<CsvFormat> of(JsonNode csv) throws ConnectorException {
        if (!csv.isObject()) {
            return Optional.empty();
        }
        boolean header = csv.path("header").asBoolean(true);
        Map<String, List<String>> columns = new HashMap<>();
        for (Map.Entry<String, JsonNode> column : csv.path("columns").properties()) {
            List<String> names = BankStatementConfiguration.texts(column.getValue());
            for (String name : names) {
                if (!header && !name.matches("[1-9][0-9]{0,3}")) {
                    throw new ConnectorException(
                            Failure.CONFIGURATION,
                            "\"csv.columns." + column.getKey()
                                    + "\" must be a number from 1 on, because the file has no header");
                }
            }
            columns.put(column.getKey(), names);
        }
        return Optional.of(new CsvFormat(
                csv.path("delimiter").asString(";").charAt(0),
                csv.path("quote").asString("\"").charAt(0),
                charset(csv.path("encoding"), "csv.encoding"),
                csv.path("skip_lines").asInt(0),
                header,
                dates(csv.path("date_format").asString("yyyy-MM-dd")),
                csv.path("decimal").asString(".").charAt(0),
                columns,
                BankStatementConfiguration.texts(csv.path("debit_values")),
                Optional.ofNullable(csv.path("account").asString(null)),
                Optional.ofNullable(csv.path("currency").asString(null))));
    }

    static Optional<Charset> charset(JsonNode name, String field) throws ConnectorException {
        if (!name.isString()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Charset.forName(name.stringValue()));
        } catch (IllegalArgumentException e) {
            throw new ConnectorException(
                    Failure.CONFIGURATION, "\"" + field + "\" is no encoding that is known here, such as UTF-8", e);
        }
    }

    private static DateTimeFormatter dates(String pattern) throws ConnectorException {
        try {
            return DateTimeFormatter.ofPattern(pattern, Locale.ROOT);
        } catch (IllegalArgumentException e) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    "\"csv.date_format\" is no pattern of dates; yyyy, MM and dd stand for year, month and day",
                    e);
        }
    }
}
