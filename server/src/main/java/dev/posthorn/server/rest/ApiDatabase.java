package dev.posthorn.server.rest;

import dev.posthorn.apikeys.verify.StoredKey;
import dev.posthorn.delivery.session.ServiceSession;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Runs the API's statements. Those that answer a resource yield it as JSON, one row each. Thread-safe. */
public final class ApiDatabase {
    private final ServiceSession session;
    private final CallerSession.Entry entry;

    /** Works over the given session, as the service. */
    public ApiDatabase(ServiceSession session) {
        this(session, connection -> {});
    }

    private ApiDatabase(ServiceSession session, CallerSession.Entry entry) {
        this.session = session;
        this.entry = entry;
    }

    /** The same for a caller: sees and may no more than the key. */
    ApiDatabase actingFor(StoredKey key) {
        return new ApiDatabase(session, connection -> CallerSession.enter(connection, key));
    }

    /** The same for the service, where the audit log names the caller. */
    ApiDatabase inTheNameOf(StoredKey key) {
        return new ApiDatabase(session, connection -> CallerSession.name(connection, key));
    }

    /** The first column of all rows, without nulls. */
    public List<String> rows(String sql, @Nullable Object... arguments) throws SQLException {
        return transaction(connection -> rows(connection, sql, arguments));
    }

    /** The first column of the first row; empty if there is no row, or null in it. */
    public Optional<String> one(String sql, @Nullable Object... arguments) throws SQLException {
        return rows(sql, arguments).stream().findFirst();
    }

    /** Several statements in one transaction. */
    public <T> T transaction(ServiceSession.Work<T> work) throws SQLException {
        return session.durably(connection -> {
            entry.into(connection);
            return work.on(connection);
        });
    }

    /**
     * Does something as the service within a transaction of a caller, for what no member may touch. The caller's right to it must have been
     * seen in this transaction before.
     */
    public static void asService(Connection connection, Privileged work) throws SQLException {
        String role = rows(connection, "SELECT current_setting('role')").get(0);
        rows(connection, "SELECT set_config('role', 'posthorn_service', true)");
        work.on(connection);
        rows(connection, "SELECT set_config('role', ?::text, true)", role);
    }

    /** What is done as the service. */
    @FunctionalInterface
    public interface Privileged {
        /** Uses the connection, neither commits nor closes it. */
        void on(Connection connection) throws SQLException;
    }

    /** The first column of all rows, without nulls, within a transaction. */
    public static List<String> rows(Connection connection, String sql, @Nullable Object... arguments)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                set(connection, statement, i + 1, arguments[i]);
            }
            List<String> rows = new ArrayList<>();
            if (statement.execute()) {
                try (ResultSet row = statement.getResultSet()) {
                    while (row.next()) {
                        String value = row.getString(1);
                        if (value != null) {
                            rows.add(value);
                        }
                    }
                }
            }
            return rows;
        }
    }

    private static void set(Connection connection, PreparedStatement statement, int index, @Nullable Object value)
            throws SQLException {
        switch (value) {
            case null -> statement.setNull(index, Types.OTHER);
            case UUID id -> statement.setObject(index, id);
            case List<?> list -> statement.setArray(index, connection.createArrayOf("text", list.toArray()));
            case Integer number -> statement.setInt(index, number);
            case Boolean flag -> statement.setBoolean(index, flag);
            default -> statement.setObject(index, value.toString(), Types.OTHER);
        }
    }
}
