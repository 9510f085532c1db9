package dev.posthorn.integrations.jdbc;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordReader;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** {@code jdbc}: reads rows of a query on PostgreSQL, or on a database that the operator has a driver for. Thread-safe. */
public final class JdbcConnector implements PullConnector {
    private static final ConnectorDescription DESCRIPTION = ConnectorDescription.of(JdbcConnector.class, "jdbc.json");

    /** Found by the service loader. */
    public JdbcConnector() {}

    @Override
    public ConnectorDescription describe() {
        return DESCRIPTION;
    }

    /** Logs in and lets the database read the query, without running it. */
    @Override
    public void check(ConnectorContext context) throws ConnectorException, InterruptedException {
        JdbcConfiguration configuration = JdbcConfiguration.of(context.configuration());
        try (Session session = connect(configuration, context)) {
            RowQuery query = RowQuery.describe(session, configuration);
            context.log()
                    .info("the query yields "
                            + String.join(", ", query.columns().keySet()));
        } catch (SQLException e) {
            throw SqlFailures.of(e, configuration);
        }
    }

    @Override
    public RecordReader open(ConnectorContext context, @Nullable JsonNode cursor)
            throws ConnectorException, InterruptedException {
        JdbcConfiguration configuration = JdbcConfiguration.of(context.configuration());
        try {
            Session session = connect(configuration, context);
            try {
                return RowReader.open(session, configuration, cursor);
            } catch (ConnectorException | SQLException | RuntimeException e) {
                session.close();
                throw e;
            }
        } catch (SQLException e) {
            throw SqlFailures.of(e, configuration);
        }
    }

    private static Session connect(JdbcConfiguration configuration, ConnectorContext context)
            throws ConnectorException, SQLException {
        return configuration.kind().equals(JdbcConfiguration.POSTGRESQL)
                ? PostgresDatabase.open(configuration, context)
                : OperatorDatabase.open(configuration, context);
    }
}
