package dev.posthorn.integrations.jdbc;

import java.math.BigDecimal;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * Makes JSON of the values of a column and loses nothing: decimals are texts, times ISO 8601, bytes Base64, JSON stays JSON, arrays become arrays.
 * What is unknown is the text that the database prints.
 *
 * @param label of the column
 * @param index from 1 on
 * @param type of {@link Types}
 * @param typeName as the database calls it
 */
record ColumnValues(String label, int index, int type, String typeName) {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(JsonNodeFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .build();

    JsonNode read(ResultSet row) throws SQLException {
        String text = row.getString(index);
        if (text == null) {
            return JSON.nullNode();
        }
        return switch (type) {
            case Types.BIT, Types.BOOLEAN -> JSON.booleanNode(row.getBoolean(index));
            case Types.TINYINT, Types.SMALLINT, Types.INTEGER, Types.BIGINT -> JSON.numberNode(row.getLong(index));
            case Types.REAL, Types.FLOAT, Types.DOUBLE -> number(Double.parseDouble(text), text);
            case Types.NUMERIC, Types.DECIMAL -> JSON.stringNode(decimal(text));
            case Types.DATE -> JSON.stringNode(date(text, row));
            case Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE -> JSON.stringNode(time(text, row));
            case Types.BINARY, Types.VARBINARY, Types.LONGVARBINARY, Types.BLOB -> JSON.binaryNode(row.getBytes(index));
            case Types.ARRAY -> array(row.getArray(index));
            default -> isJson(typeName) ? MAPPER.readTree(text) : JSON.stringNode(text);
        };
    }

    private static boolean isJson(String name) {
        return name.equalsIgnoreCase("json") || name.equalsIgnoreCase("jsonb");
    }

    /** Without exponent; {@code NaN} and infinities stay texts. */
    private static String decimal(String text) {
        try {
            return new BigDecimal(text).toPlainString();
        } catch (NumberFormatException e) {
            return text;
        }
    }

    private String date(String text, ResultSet row) throws SQLException {
        return text.endsWith("infinity")
                ? text
                : row.getObject(index, LocalDate.class).toString();
    }

    private String time(String text, ResultSet row) throws SQLException {
        if (text.endsWith("infinity")) {
            return text;
        }
        return withZone(typeName)
                ? row.getObject(index, OffsetDateTime.class).toInstant().toString()
                : row.getObject(index, LocalDateTime.class).toString();
    }

    private boolean withZone(String name) {
        return type == Types.TIMESTAMP_WITH_TIMEZONE
                || name.toLowerCase(Locale.ROOT).startsWith("timestamptz")
                || name.toLowerCase(Locale.ROOT).endsWith("with time zone");
    }

    private JsonNode array(Array array) throws SQLException {
        try {
            return elements(array.getArray(), array.getBaseTypeName());
        } finally {
            array.free();
        }
    }

    private JsonNode elements(@Nullable Object value, String baseType) {
        return switch (value) {
            case null -> JSON.nullNode();
            case Object[] several -> {
                ArrayNode node = JSON.arrayNode();
                for (Object one : several) {
                    node.add(elements(one, baseType));
                }
                yield node;
            }
            case Boolean one -> JSON.booleanNode(one);
            case BigDecimal one -> JSON.stringNode(one.toPlainString());
            case Float one -> number(Double.parseDouble(one.toString()), one.toString());
            case Double one -> number(one, one.toString());
            case Number one -> JSON.numberNode(one.longValue());
            case byte[] one -> JSON.stringNode(Base64.getEncoder().encodeToString(one));
            case Timestamp one ->
                JSON.stringNode(
                        withZone(baseType)
                                ? one.toInstant().toString()
                                : one.toLocalDateTime().toString());
            case java.sql.Date one -> JSON.stringNode(one.toLocalDate().toString());
            default -> isJson(baseType) ? MAPPER.readTree(value.toString()) : JSON.stringNode(value.toString());
        };
    }

    /** Not-a-number and infinities are no JSON. */
    private static JsonNode number(double value, String text) {
        return Double.isFinite(value) ? MAPPER.readTree(Double.toString(value)) : JSON.stringNode(text);
    }
}
