package dev.posthorn.integrations.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection in a transaction that can only read.
 *
 * @param connection open
 * @param textsTakeAnyType whether a text that is bound takes the type of what it is compared with
 * @param afterwards what there is to let go of
 */
record Session(Connection connection, boolean textsTakeAnyType, Runnable afterwards) implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** Rolls back what there is; does not fail. */
    @Override
    public void close() {
        try (connection) {
            if (!connection.isClosed() && !connection.getAutoCommit()) {
                connection.rollback();
            }
        } catch (SQLException e) {
            LOG.debug("a connection did not close cleanly", e);
        } finally {
            afterwards.run();
        }
    }
}
