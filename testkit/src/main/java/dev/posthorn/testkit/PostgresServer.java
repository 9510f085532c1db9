package dev.posthorn.testkit;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A running PostgreSQL for tests, on loopback, stopped with the JVM. Thread-safe.
 *
 * <p>Databases on it belong to the login {@code posthorn}, which is no superuser, as on a managed PostgreSQL.
 */
public final class PostgresServer {
    /** The login that owns the test databases. */
    public static final String OWNER = "posthorn";

    /** Its password. */
    public static final String PASSWORD = "posthorn";

    private static final AtomicInteger DATABASES = new AtomicInteger();

    private final int port;
    private final int majorVersion;
    private @Nullable TestDatabase template;

    PostgresServer(int port) {
        this.port = port;
        try (Connection connection = superuser("postgres");
                Statement statement = connection.createStatement()) {
            this.majorVersion = connection.getMetaData().getDatabaseMajorVersion();
            statement.execute("CREATE ROLE " + OWNER + " LOGIN CREATEROLE PASSWORD '" + PASSWORD + "'");
        } catch (SQLException e) {
            throw new IllegalStateException(
                    "the test PostgreSQL on port " + port + " does not answer: " + e.getMessage(), e);
        }
    }

    /** The embedded PostgreSQL 18, started at the first call. */
    public static PostgresServer embedded() {
        return EmbeddedServer.INSTANCE;
    }

    /** The machine's own PostgreSQL 15, started at the first call; empty where {@code initdb} 15 is not installed. */
    public static Optional<PostgresServer> fifteen() {
        return InstalledServer.FIFTEEN;
    }

    /** The port on loopback. */
    public int port() {
        return port;
    }

    /** 15 or 18. */
    public int majorVersion() {
        return majorVersion;
    }

    /** A new, empty database. */
    public TestDatabase createDatabase() {
        String name = nextName();
        execute("CREATE DATABASE " + name + " OWNER " + OWNER);
        return new TestDatabase(this, name);
    }

    /**
     * A new database in the state that a migration leaves. The migration runs at the first call only; later databases are copies of what it
     * made, because that takes a tenth of the time.
     */
    public TestDatabase createDatabase(Consumer<DataSource> migration) {
        String name = nextName();
        execute("CREATE DATABASE " + name + " OWNER " + OWNER + " TEMPLATE "
                + template(migration).name());
        return new TestDatabase(this, name);
    }

    private synchronized TestDatabase template(Consumer<DataSource> migration) {
        TestDatabase present = template;
        if (present == null) {
            present = createDatabase();
            migration.accept(present.dataSource());
            template = present;
        }
        return present;
    }

    private static String nextName() {
        return "test_" + ProcessHandle.current().pid() + "_" + DATABASES.incrementAndGet();
    }

    void dropDatabase(String name) {
        execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
    }

    /** A connection as superuser, for what only the administrator of a server may do. */
    public Connection superuser(String database) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/" + database + "?user=postgres");
    }

    private void execute(String sql) {
        try (Connection connection = superuser("postgres");
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return "PostgreSQL " + majorVersion;
    }
}
