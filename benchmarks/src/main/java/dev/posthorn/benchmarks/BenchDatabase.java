package dev.posthorn.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.schema.Migrator;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.node.Databases;
import dev.posthorn.server.settings.DatabaseUrl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The PostgreSQL under load: the embedded one in a new folder, exactly as {@code ./posthorn serve} runs it, or that of
 * {@code DATABASE_URL}, in which the schema is made and dropped again. Thread-safe.
 */
public final class BenchDatabase implements AutoCloseable {
    private static final int POOL = 10;

    private final @Nullable Path folder;
    private final @Nullable EmbeddedDatabase embedded;
    private final DatabaseUrl url;
    private final HikariDataSource pool;
    private final HikariDataSource own;
    private final boolean countsStatements;
    private final Optional<Long> postmaster;

    private BenchDatabase(String databaseUrl) throws IOException, SQLException {
        if (databaseUrl.isEmpty()) {
            folder = Files.createTempDirectory("posthorn-bench-");
            // Counts statements; it costs a little, and speeds nothing up.
            embedded = EmbeddedDatabase.start(folder, Map.of("shared_preload_libraries", "pg_stat_statements"));
            url = DatabaseUrl.parse(embedded.url());
            try (Connection superuser = DriverManager.getConnection(url.jdbcUrl() + "?user=postgres");
                    Statement statement = superuser.createStatement()) {
                statement.execute(
                        "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; GRANT pg_read_all_stats, pg_monitor TO posthorn");
            }
        } else {
            folder = null;
            embedded = null;
            url = DatabaseUrl.parse(databaseUrl);
        }
        pool = Databases.pool(url, "bench", POOL);
        if (!text("SELECT count(*) FROM pg_namespace WHERE nspname = 'posthorn'")
                .equals("0")) {
            pool.close();
            throw new PosthornException(
                    PosthornException.CONFIGURATION,
                    "the database of DATABASE_URL holds a schema posthorn; the benchmark makes one of its own and drops it"
                            + " afterwards: name another database, or DROP SCHEMA posthorn CASCADE if it is not needed");
        }
        own = Databases.pool(url, "bench-own", 2);
        new Migrator(pool).migrate();
        countsStatements = !text("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'")
                .equals("0");
        postmaster = ProcessCpu.parentIf(Long.parseLong(text("SELECT pg_backend_pid()")), "postgres");
    }

    /** Opens and migrates it. */
    public static BenchDatabase open() throws IOException, SQLException {
        return new BenchDatabase(
                Optional.ofNullable(System.getenv("DATABASE_URL")).orElse(""));
    }

    /** Connections of the owner, who is also a service. */
    public HikariDataSource pool() {
        return pool;
    }

    /** Two more for an engine's own use. */
    public HikariDataSource ownConnections() {
        return own;
    }

    /** A connection outside the pools. */
    public Connection connect() throws SQLException {
        Properties login = new Properties();
        if (url.user() != null) {
            login.setProperty("user", url.user());
        }
        if (url.password() != null) {
            login.setProperty("password", url.password());
        }
        return DriverManager.getConnection(url.jdbcUrl(), login);
    }

    /** In the form that {@code DATABASE_URL} has. */
    public String databaseUrl() {
        return embedded != null ? embedded.url() : String.valueOf(System.getenv("DATABASE_URL"));
    }

    /** Processor time of all its processes in microseconds; empty where they are not on this machine. */
    public Optional<Long> cpuMicros() {
        return postmaster.flatMap(ProcessCpu::treeMicros);
    }

    /** Bytes of WAL written since the beginning of time. */
    public long walBytes() throws SQLException {
        return Long.parseLong(text("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"));
    }

    /** Statements of clients so far, the own ones of {@code BEGIN}, {@code SET} and {@code COMMIT} included; empty if not counted. */
    public Optional<Long> statements() throws SQLException {
        return countsStatements
                ? Optional.of(
                        Long.parseLong(
                                text(
                                        "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements"
                                                + " WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())")))
                : Optional.empty();
    }

    /** Waits until everything that was committed is on disk: the commit of something written waits for all WAL before it. */
    public void flush() throws SQLException {
        execute("SELECT pg_logical_emit_message(true, 'posthorn-bench', 'flush')");
    }

    /** Of the server. */
    public String version() throws SQLException {
        return text("SHOW server_version");
    }

    /** The one value of a query. */
    public String text(String sql) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return String.valueOf(row.getString(1));
        }
    }

    /** Runs statements in one transaction, as a service. */
    public void asService(String sql) throws SQLException {
        execute("BEGIN; SET LOCAL ROLE posthorn_service; " + sql + "; COMMIT");
    }

    /** Runs statements as the owner. */
    public void execute(String sql) throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() {
        own.close();
        if (embedded == null) {
            try {
                execute("DROP SCHEMA posthorn CASCADE");
            } catch (SQLException e) {
                System.err.println("posthorn: the schema posthorn could not be dropped: " + e.getMessage());
            }
        }
        pool.close();
        if (embedded != null) {
            embedded.close();
        }
        if (folder != null) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(file);
                }
            } catch (IOException e) {
                System.err.println("posthorn: " + folder + " could not be removed: " + e.getMessage());
            }
        }
    }
}
