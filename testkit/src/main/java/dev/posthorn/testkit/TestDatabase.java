package dev.posthorn.testkit;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/** One database of a {@link PostgresServer}, dropped when closed. Thread-safe. */
public final class TestDatabase implements AutoCloseable {
    private final PostgresServer server;
    private final String name;

    TestDatabase(PostgresServer server, String name) {
        this.server = server;
        this.name = name;
    }

    /** A new, empty database on the embedded PostgreSQL 18. */
    public static TestDatabase create() {
        return PostgresServer.embedded().createDatabase();
    }

    /** A new database on the embedded PostgreSQL 18, as {@link PostgresServer#createDatabase(Consumer)}. */
    public static TestDatabase create(Consumer<DataSource> migration) {
        return PostgresServer.embedded().createDatabase(migration);
    }

    /** The server it is on. */
    public PostgresServer server() {
        return server;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** URL with user and password of its owner. */
    public String jdbcUrl() {
        return "jdbc:postgresql://127.0.0.1:" + server.port() + "/" + name + "?user=" + PostgresServer.OWNER
                + "&password=" + PostgresServer.PASSWORD;
    }

    /** URL as {@code DATABASE_URL} takes it, with user and password of its owner. */
    public String url() {
        return "postgres://" + PostgresServer.OWNER + ":" + PostgresServer.PASSWORD + "@127.0.0.1:" + server.port()
                + "/" + name;
    }

    /** New connections, not pooled, as its owner. */
    public DataSource dataSource() {
        return dataSource(PostgresServer.OWNER);
    }

    /** New connections, not pooled, as another login, whose password is its name. */
    public DataSource dataSource(String login) {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {"127.0.0.1"});
        source.setPortNumbers(new int[] {server.port()});
        source.setDatabaseName(name);
        source.setUser(login);
        source.setPassword(login);
        return source;
    }

    /** A connection as superuser. */
    public Connection superuser() throws SQLException {
        return server.superuser(name);
    }

    /** Runs statements as superuser. */
    public void administrate(String sql) {
        try (Connection connection = superuser();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    /**
     * Replaces {@code posthorn.clock_now()} of this database, so that its time is the given one and goes on from there.
     * The database must be migrated.
     */
    public void setClock(Instant now) {
        administrate("""
                CREATE TABLE IF NOT EXISTS public.test_clock (ahead interval NOT NULL);
                GRANT SELECT ON public.test_clock TO PUBLIC;
                DELETE FROM public.test_clock;
                INSERT INTO public.test_clock SELECT '%s'::timestamptz - clock_timestamp();
                CREATE OR REPLACE FUNCTION posthorn.clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
                    'SELECT clock_timestamp() + ahead FROM public.test_clock';
                """.formatted(now));
    }

    /** Moves the time of this database ahead. */
    public void advanceClock(Duration by) {
        setClock(Instant.parse(one(
                        "SELECT to_char(posthorn.clock_now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"))
                .plus(by));
    }

    /** The first column of the first row of a query, run as superuser, as text. */
    public String one(String sql) {
        List<List<@Nullable String>> rows = query(sql);
        String value = rows.isEmpty() ? null : rows.get(0).get(0);
        if (value == null) {
            throw new IllegalStateException("no value: " + sql);
        }
        return value;
    }

    /** Waits until {@link #one} answers so; fails after three minutes. */
    public void await(String sql, String answer) {
        Eventually.until(
                () -> sql + " tells " + one(sql) + ", and not " + answer,
                Duration.ofMinutes(3),
                () -> one(sql).equals(answer));
    }

    /** All rows of a query, run as superuser, as text. */
    public List<List<@Nullable String>> query(String sql) {
        try (Connection connection = superuser()) {
            return query(connection, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    /** All rows of a query on a connection, as text. */
    public static List<List<@Nullable String>> query(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            List<List<@Nullable String>> rows = new ArrayList<>();
            boolean more = statement.execute(sql);
            while (more || statement.getUpdateCount() != -1) {
                if (more) {
                    rows.clear();
                    var result = statement.getResultSet();
                    int columns = result.getMetaData().getColumnCount();
                    while (result.next()) {
                        List<@Nullable String> row = new ArrayList<>();
                        for (int column = 1; column <= columns; column++) {
                            row.add(result.getString(column));
                        }
                        rows.add(row);
                    }
                }
                more = statement.getMoreResults();
            }
            return rows;
        }
    }

    @Override
    public void close() {
        server.dropDatabase(name);
    }
}
