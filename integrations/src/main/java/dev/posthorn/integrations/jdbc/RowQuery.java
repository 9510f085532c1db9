package dev.posthorn.integrations.jdbc;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.NativeQuery;
import org.postgresql.core.Parser;

/**
 * The owner's query, in brackets, sorted and cut off below where the last run ended. It is the owner's own SQL, run with the owner's own login; what
 * is added to it are names of its own columns, quoted, and values that are bound.
 */
final class RowQuery {
    private final Session session;
    private final JdbcConfiguration configuration;
    private final Map<String, ColumnValues> columns;

    private RowQuery(Session session, JdbcConfiguration configuration, Map<String, ColumnValues> columns) {
        this.session = session;
        this.configuration = configuration;
        this.columns = columns;
    }

    /**
     * Asks the database what columns it yields, without running it.
     *
     * @throws ConnectorException if it is not one statement, has two columns of one name, or lacks those that name and order its rows
     */
    static RowQuery describe(Session session, JdbcConfiguration configuration) throws ConnectorException, SQLException {
        requireOneStatement(configuration.query());
        // In brackets, too: one that closes them itself shows only there that it is several.
        requireOneStatement(inBrackets(configuration));
        Map<String, ColumnValues> columns = new LinkedHashMap<>();
        try (PreparedStatement statement = session.connection().prepareStatement(inBrackets(configuration))) {
            ResultSetMetaData data = statement.getMetaData();
            if (data == null) {
                throw new ConnectorException(Failure.CONFIGURATION, "the query yields no rows; it must be a SELECT");
            }
            for (int i = 1; i <= data.getColumnCount(); i++) {
                String label = data.getColumnLabel(i);
                ColumnValues column =
                        new ColumnValues(label, i, data.getColumnType(i), String.valueOf(data.getColumnTypeName(i)));
                if (columns.put(label, column) != null) {
                    throw new ConnectorException(
                            Failure.CONFIGURATION,
                            "the query yields two columns \"" + label + "\"; name one of them otherwise with AS");
                }
            }
        }
        RowQuery query = new RowQuery(session, configuration, columns);
        query.require("id_column", configuration.idColumn());
        Optional<String> cursor = configuration.cursorColumn();
        if (cursor.isPresent()) {
            query.require("cursor_column", cursor.get());
        }
        return query;
    }

    /** Or a second one could leave the transaction that only reads. */
    private static void requireOneStatement(String query) throws ConnectorException, SQLException {
        List<NativeQuery> statements = Parser.parseJdbcSql(query, true, false, true, false, false);
        if (statements.size() != 1) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    "the query must be one statement; it is " + statements.size() + ", leave semicolons out");
        }
    }

    /** The line ends because the query may end in a comment. */
    private static String inBrackets(JdbcConfiguration configuration) {
        String query = configuration.query().strip();
        String without = query.endsWith(";") ? query.substring(0, query.length() - 1) : query;
        return "SELECT * FROM (\n" + without + "\n) posthorn_query";
    }

    private void require(String field, String column) throws ConnectorException {
        if (!columns.containsKey(column)) {
            throw new ConnectorException(
                    Failure.SCHEMA_DRIFT,
                    "the query yields no column \"" + column + "\", which \"" + field + "\" names; it yields "
                            + String.join(", ", columns.keySet()));
        }
    }

    Map<String, ColumnValues> columns() {
        return columns;
    }

    ColumnValues column(String label) {
        return java.util.Objects.requireNonNull(columns.get(label));
    }

    /**
     * Runs it.
     *
     * @param after null: from the beginning
     */
    PreparedStatement prepare(@Nullable Place after) throws SQLException {
        Connection connection = session.connection();
        String id;
        String cursor = null;
        try (var quoting = connection.createStatement()) {
            id = quoting.enquoteIdentifier(configuration.idColumn(), true);
            if (configuration.cursorColumn().isPresent()) {
                cursor = quoting.enquoteIdentifier(configuration.cursorColumn().get(), true);
            }
        }
        String sql = inBrackets(configuration);
        if (after != null) {
            if (cursor == null) {
                sql += " WHERE " + id + " > ?";
            } else if (after.id() == null) {
                sql += " WHERE " + cursor + " >= ?";
            } else {
                // Equal values are told apart by the id, so that none of them is lost between two batches.
                sql += " WHERE " + cursor + " >= ? AND (" + cursor + " > ? OR " + id + " > ?)";
            }
        }
        sql += " ORDER BY " + (cursor == null ? id : cursor + ", " + id);
        PreparedStatement statement =
                connection.prepareStatement(sql, ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY);
        try {
            statement.setFetchSize(configuration.fetchSize());
            if (!session.textsTakeAnyType()) {
                statement.setQueryTimeout(
                        Math.toIntExact(configuration.timeout().toSeconds()));
            }
            if (after != null) {
                bind(statement, cursor != null, after);
            }
            return statement;
        } catch (SQLException | RuntimeException e) {
            statement.close();
            throw e;
        }
    }

    private void bind(PreparedStatement statement, boolean withCursor, Place after) throws SQLException {
        int at = 1;
        if (withCursor) {
            ColumnValues column = column(configuration.cursorColumn().orElseThrow());
            bind(statement, at++, column, String.valueOf(after.cursor()));
            if (after.id() != null) {
                bind(statement, at++, column, String.valueOf(after.cursor()));
            }
        }
        if (after.id() != null) {
            bind(statement, at, column(configuration.idColumn()), after.id());
        }
    }

    private void bind(PreparedStatement statement, int at, ColumnValues column, String value) throws SQLException {
        if (session.textsTakeAnyType()) {
            statement.setString(at, value);
            return;
        }
        switch (column.type()) {
            case Types.TINYINT, Types.SMALLINT, Types.INTEGER, Types.BIGINT, Types.NUMERIC, Types.DECIMAL ->
                statement.setBigDecimal(at, new java.math.BigDecimal(value));
            case Types.DATE -> statement.setObject(at, LocalDate.parse(value));
            case Types.TIMESTAMP -> statement.setObject(at, LocalDateTime.parse(value));
            case Types.TIMESTAMP_WITH_TIMEZONE -> statement.setObject(at, OffsetDateTime.parse(value));
            default -> statement.setString(at, value);
        }
    }

    /**
     * How far the rows were read.
     *
     * @param cursor value of the cursor column, or null where there is none
     * @param id of the last row; null: the rows with this value are read once more
     */
    record Place(@Nullable String cursor, @Nullable String id) {}
}
