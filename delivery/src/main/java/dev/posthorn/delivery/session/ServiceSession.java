package dev.posthorn.delivery.session;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/**
 * Runs short transactions as {@code posthorn_service}, whatever the connections of the application look like: autocommit off,
 * serializable, another search path or time zone. Leaves each connection as it found it. Thread-safe.
 */
public final class ServiceSession {
    private static final String DURABLE =
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL ROLE posthorn_service; SET LOCAL TimeZone = 'UTC'";
    /** A crash of PostgreSQL then means that deliveries are sent again, never that one is lost. */
    private static final String REPEATABLE = DURABLE + "; SET LOCAL synchronous_commit = off";

    private final DataSource database;

    /** What is done within one transaction. */
    @FunctionalInterface
    public interface Work<T> {
        /** Uses the connection, neither commits nor closes it. */
        T on(Connection connection) throws SQLException;
    }

    /** Borrows connections from the given source, one for each transaction. */
    public ServiceSession(DataSource database) {
        this.database = database;
    }

    /** For what must not be lost once it was answered: acceptance. */
    public <T> T durably(Work<T> work) throws SQLException {
        return run(DURABLE, work);
    }

    /** For claims and results: committed without waiting for the disk. */
    public <T> T repeatably(Work<T> work) throws SQLException {
        return run(REPEATABLE, work);
    }

    private <T> T run(String preamble, Work<T> work) throws SQLException {
        try (Connection connection = database.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            if (!autoCommit) {
                connection.rollback();
            }
            connection.setAutoCommit(false);
            try {
                try (Statement statement = connection.createStatement()) {
                    statement.execute(preamble);
                }
                T result = work.on(connection);
                connection.commit();
                return result;
            } catch (SQLException | RuntimeException e) {
                rollback(connection, e);
                throw e;
            } finally {
                if (!connection.isClosed()) {
                    connection.setAutoCommit(autoCommit);
                }
            }
        }
    }

    private static void rollback(Connection connection, Exception because) {
        try {
            connection.rollback();
        } catch (SQLException alsoFailed) {
            because.addSuppressed(alsoFailed);
        }
    }
}
