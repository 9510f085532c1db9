package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.schema.Migrator;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.embedded.EmbeddedDatabase;
import dev.posthorn.server.node.Databases;
import dev.posthorn.server.settings.DatabaseUrl;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A PostgreSQL of these runs' own, durable as in production, with a database for each run; all are copies of one that was migrated and
 * got the triggers that journal leases. Thread-safe.
 */
public final class Cluster implements AutoCloseable {
    private static final String TEMPLATE = "posthorn";
    private static final int MEBIBYTES = 1024;
    /** With its delivery, the journal of leases and what is dead and not yet vacuumed. */
    private static final int BYTES_PER_EVENT = 2200;

    private final SmallDisk disk;
    private final Path data;
    private final EmbeddedDatabase embedded;
    private final int port;

    /**
     * Starts it in a new folder.
     *
     * @param events how many it must have room for
     */
    public Cluster(Path folder, long events) throws IOException {
        disk = new SmallDisk(folder.resolve("postgresql"), MEBIBYTES + events * BYTES_PER_EVENT / (1 << 20));
        data = disk.folder().resolve("data");
        try {
            embedded = EmbeddedDatabase.start(
                    data, Map.of("max_wal_size", "128MB", "min_wal_size", "32MB", "max_connections", "200"));
        } catch (PosthornException e) {
            disk.abandon();
            throw e;
        }
        port = URI.create(embedded.url()).getPort();
    }

    /** Migrates the database that the others are copied from. */
    public void migrate() throws IOException, SQLException {
        try (var pool = Databases.pool(DatabaseUrl.parse(embedded.url()), "faults-migrate", 2)) {
            new Migrator(pool).migrate();
        }
        execute(TEMPLATE, resource("journal.sql"));
    }

    /** The text of a SQL file beside this program's classes. */
    public static String resource(String name) throws IOException {
        try (InputStream in = Cluster.class.getResourceAsStream("/dev/posthorn/benchmarks/faults/" + name)) {
            if (in == null) {
                throw new IOException(name + " is not on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Makes a database for a run. */
    void createDatabase(String name) throws SQLException {
        execute("postgres", "CREATE DATABASE " + name + " TEMPLATE " + TEMPLATE + " OWNER posthorn");
    }

    /** Its port on 127.0.0.1. */
    int port() {
        return port;
    }

    /** The disk on which everything of it lies. */
    public SmallDisk disk() {
        return disk;
    }

    /** A connection past all policies and past the forwarders. */
    public Connection superuser(String database) throws SQLException {
        return superuser(database, 60);
    }

    /** The same, for statements that may take so many seconds. */
    Connection superuser(String database, int seconds) throws SQLException {
        return DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/" + database
                + "?user=postgres&connectTimeout=5&ApplicationName=faults&socketTimeout=" + seconds);
    }

    /** Runs statements as superuser. */
    public void execute(String database, String sql) throws SQLException {
        try (Connection connection = superuser(database);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** The first column of what a query yields. */
    public List<String> query(String database, String sql, Object... arguments) throws SQLException {
        try (Connection connection = superuser(database);
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < arguments.length; i++) {
                statement.setObject(i + 1, arguments[i]);
            }
            List<String> column = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    column.add(String.valueOf(rows.getString(1)));
                }
            }
            return column;
        }
    }

    /** Whether it answers. */
    public boolean answers() {
        try {
            return query("postgres", "SELECT 1").equals(List.of("1"));
        } catch (SQLException e) {
            return false;
        }
    }

    /** The process of its postmaster. */
    public long postmaster() throws IOException {
        return Long.parseLong(Files.readAllLines(data.resolve("postgres/postmaster.pid"))
                .get(0)
                .strip());
    }

    /** Ends it at once, when the program is interrupted. */
    public void abandon() {
        try {
            Command.run("kill", "-QUIT", Long.toString(postmaster()));
        } catch (IOException notRunning) {
            // Nothing to end.
        }
        disk.abandon();
    }

    @Override
    public void close() throws IOException {
        disk.free();
        embedded.close();
        disk.close();
    }
}
