package dev.posthorn.delivery.session;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import javax.sql.DataSource;

/**
 * Runs short transactions as {@code posthorn_service}, whatever the connections of the application look like: autocommit off,
 * serializable, another search path or time zone. Leaves each connection as it found it. Thread-safe.
 */
public final class ServiceSession {
    /**
     * One statement for all settings of a transaction, because it runs at each. A process that is frozen in the middle of one loses its locks
     * after five seconds, one more than its leases last.
     */
    private static final String SETTINGS = """
            SELECT set_config('role', 'posthorn_service', true),
                   set_config('TimeZone', 'UTC', true),
                   CASE WHEN ? THEN current_setting('synchronous_commit') ELSE set_config('synchronous_commit', 'off', true) END,
                   current_setting('transaction_isolation'),
                   set_config('idle_in_transaction_session_timeout', '5s', true)
            """;

    private static final String READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

    /** The login has the rights of {@code posthorn_service} only after SET ROLE; the isolation level is another one than read committed. */
    private static final Set<String> UNFIT_FOR_SINGLE_STATEMENTS = Set.of("42501", "25000");

    private final DataSource database;
    /** The connections of this source begin transactions at another isolation level than ours. */
    private volatile boolean otherIsolation;
    /** On the connections of this source a function of a node cannot be called without more ado. */
    private volatile boolean needsSettings;

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
        return run(true, work);
    }

    /**
     * For what nodes write: committed without waiting for the disk. A crash of PostgreSQL then means that deliveries are sent again,
     * never that one is lost.
     */
    public <T> T repeatably(Work<T> work) throws SQLException {
        return run(false, work);
    }

    /**
     * The same for what a node asks again and again: each statement is a transaction of its own, so that one trip to the database does it
     * instead of three. Each must have {@code posthorn.begin_node_statement()} for its condition, by {@code WHERE (SELECT …)}. Where connections
     * are not fit for that, all statements run in one transaction, as by {@link #repeatably}; hence the first of them may be run a second time.
     */
    public <T> T singly(Work<T> statements) throws SQLException {
        if (!needsSettings) {
            try {
                return autoCommitted(statements);
            } catch (SQLException e) {
                // Pools refuse without a state.
                String state = e.getSQLState();
                if (state == null || !UNFIT_FOR_SINGLE_STATEMENTS.contains(state)) {
                    throw e;
                }
                needsSettings = true;
            }
        }
        return repeatably(statements);
    }

    private <T> T autoCommitted(Work<T> statements) throws SQLException {
        try (Connection connection = database.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            if (!autoCommit) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
            try {
                return statements.on(connection);
            } finally {
                if (!autoCommit && !connection.isClosed()) {
                    connection.setAutoCommit(false);
                }
            }
        }
    }

    private <T> T run(boolean durable, Work<T> work) throws SQLException {
        try (Connection connection = database.getConnection()) {
            boolean autoCommit = connection.getAutoCommit();
            if (!autoCommit) {
                connection.rollback();
            }
            connection.setAutoCommit(false);
            try {
                begin(connection, durable);
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

    private void begin(Connection connection, boolean durable) throws SQLException {
        if (!otherIsolation) {
            if (setUp(connection, durable).equals("read committed")) {
                return;
            }
            otherIsolation = true;
            connection.rollback();
        }
        try (Statement statement = connection.createStatement()) {
            statement.execute(READ_COMMITTED);
        }
        setUp(connection, durable);
    }

    private static String setUp(Connection connection, boolean durable) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SETTINGS)) {
            statement.setBoolean(1, durable);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(4);
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
