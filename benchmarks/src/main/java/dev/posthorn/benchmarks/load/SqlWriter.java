package dev.posthorn.benchmarks.load;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

/** An application with one connection, the rights of a service and a community's events to queue. For one thread. */
public final class SqlWriter implements AutoCloseable {
    private final Connection connection;
    private final int endpoints;
    private final PreparedStatement one;
    private final PreparedStatement batch;

    /**
     * Takes the connection over.
     *
     * @param community as {@code queue_webhook} takes it
     * @param endpoints event types {@code bench.1} to {@code bench.<endpoints>} are queued in turn
     */
    public SqlWriter(Connection connection, String community, int endpoints) throws SQLException {
        this.connection = connection;
        this.endpoints = endpoints;
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET ROLE posthorn_service");
        }
        one = connection.prepareStatement("SELECT event_id FROM posthorn.queue_webhook(?, ?, ?::jsonb)");
        one.setString(1, community);
        batch = connection.prepareStatement("""
                SELECT count(*) FILTER (WHERE error_code IS NULL)
                FROM posthorn.queue_webhook_events(
                    array_fill(posthorn.find_community(?), ARRAY[?::integer]),
                    ARRAY(SELECT 'bench.' || 1 + n % ? FROM generate_series(1, ?) AS n),
                    ARRAY(SELECT ? || n || ? FROM generate_series(1, ?) AS n))
                """);
        batch.setString(1, community);
    }

    /** Begins a transaction that {@link #commit()} ends; without it, each call is one. */
    public void begin() throws SQLException {
        connection.setAutoCommit(false);
    }

    /** Queues one event; returns its id. */
    public UUID queue(long number) throws SQLException {
        one.setString(2, "bench." + (1 + number % endpoints));
        one.setString(3, Payloads.numbered(number));
        try (ResultSet row = one.executeQuery()) {
            row.next();
            return row.getObject(1, UUID.class);
        }
    }

    /** Queues events in one call, spread over the endpoints; returns how many were taken. */
    public int queueBatch(int events) throws SQLException {
        batch.setInt(2, events);
        batch.setInt(3, endpoints);
        batch.setInt(4, events);
        batch.setString(5, Payloads.BEGINNING);
        batch.setString(6, Payloads.END);
        batch.setInt(7, events);
        try (ResultSet row = batch.executeQuery()) {
            row.next();
            return row.getInt(1);
        }
    }

    /** Commits. */
    public void commit() throws SQLException {
        connection.commit();
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
