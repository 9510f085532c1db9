package dev.posthorn.delivery.engine;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** Listens on a connection of its own; opens a new one when that breaks. For one thread. */
final class NotificationLoop {
    private static final int WAIT_MILLIS = 500;

    private final DataSource database;
    private final Runnable queued;
    private final Runnable cameBack;
    private final Runnable endpointCreated;
    private @Nullable Connection connection;

    /**
     * @param queued hears that events were queued
     * @param cameBack hears that deliveries came back into the queue, or may have while nobody listened
     * @param endpointCreated hears that an endpoint may lack its secret
     */
    NotificationLoop(DataSource database, Runnable queued, Runnable cameBack, Runnable endpointCreated) {
        this.database = database;
        this.queued = queued;
        this.cameBack = cameBack;
        this.endpointCreated = endpointCreated;
    }

    void step() throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = database.getConnection();
            connection = open;
            open.setAutoCommit(true);
            try (Statement statement = open.createStatement()) {
                statement.execute("LISTEN posthorn_wake; LISTEN posthorn_endpoint_created");
            }
            // What was said while nobody listened.
            cameBack.run();
            endpointCreated.run();
        }
        try {
            PGNotification[] notifications = open.unwrap(PGConnection.class).getNotifications(WAIT_MILLIS);
            if (notifications != null) {
                for (PGNotification notification : notifications) {
                    listenerOf(notification).run();
                }
            }
        } catch (SQLException e) {
            close();
            throw e;
        }
    }

    private Runnable listenerOf(PGNotification notification) {
        if (notification.getName().equals("posthorn_endpoint_created")) {
            return endpointCreated;
        }
        return notification.getParameter().equals("sweep") ? cameBack : queued;
    }

    void close() throws SQLException {
        Connection open = connection;
        connection = null;
        if (open != null && !open.isClosed()) {
            try (open;
                    Statement statement = open.createStatement()) {
                statement.execute("UNLISTEN *");
            }
        }
    }
}
