package dev.posthorn.server.embedded;

import dev.posthorn.server.PosthornException;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL of this program's own, in a folder that is kept between runs. Durable as PostgreSQL is by default. Replaces a database
 * process that a killed program left behind, and starts anew one that died. Thread-safe.
 */
public final class EmbeddedDatabase implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedDatabase.class);
    private static final String NAME = "posthorn";
    private static final Duration START_LIMIT = Duration.ofSeconds(60);
    /** Two segments of WAL: with less a start fails, after a minute. */
    private static final long LEAST_SPACE = 32L << 20;

    private final Path folder;
    private final FileChannel lockFile;
    private final FileLock lock;
    private final int port;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Map<String, String> settings;
    private final Duration startLimit;
    private volatile EmbeddedPostgres server;

    private EmbeddedDatabase(
            Path folder, FileChannel lockFile, FileLock lock, Map<String, String> settings, Duration startLimit)
            throws IOException {
        this.folder = folder;
        this.settings = settings;
        this.startLimit = startLimit;
        this.lockFile = lockFile;
        this.lock = lock;
        LeftoverProcess.stop(folder.resolve("postgres"));
        this.port = port(folder.resolve("port"));
        this.server = startServer();
    }

    /**
     * Starts the database of a folder, which is created at the first time.
     *
     * @throws PosthornException if another program runs on it, or it cannot be started
     */
    public static EmbeddedDatabase start(Path folder) {
        return start(folder, Map.of());
    }

    /** The same, with settings of PostgreSQL besides the usual ones. */
    public static EmbeddedDatabase start(Path folder, Map<String, String> settings) {
        return start(folder, settings, START_LIMIT);
    }

    static EmbeddedDatabase start(Path folder, Map<String, String> settings, Duration startLimit) {
        return startUnlessRunning(folder, settings, startLimit)
                .orElseThrow(() -> new PosthornException(
                        PosthornException.UNAVAILABLE,
                        "another posthorn runs on the folder " + folder.toAbsolutePath()
                                + "; stop it, or take another folder with --data"));
    }

    /**
     * Starts the database of a folder, which is created at the first time; empty if another program runs on it, whose database is then at
     * {@link #urlIn}.
     *
     * @throws PosthornException if it cannot be started
     */
    public static Optional<EmbeddedDatabase> startUnlessRunning(Path folder) {
        return startUnlessRunning(folder, Map.of(), START_LIMIT);
    }

    private static Optional<EmbeddedDatabase> startUnlessRunning(
            Path folder, Map<String, String> settings, Duration startLimit) {
        FileChannel channel = null;
        try {
            Files.createDirectories(folder);
            channel = FileChannel.open(
                    folder.resolve("posthorn.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                return Optional.empty();
            }
            EmbeddedDatabase database =
                    new EmbeddedDatabase(folder.toAbsolutePath(), channel, lock, settings, startLimit);
            database.createDatabase();
            Thread.ofVirtual().name("posthorn-embedded-watch").start(database::watch);
            return Optional.of(database);
        } catch (IOException | SQLException | IllegalStateException e) {
            closeQuietly(channel);
            throw new PosthornException(
                    PosthornException.UNAVAILABLE,
                    "the embedded PostgreSQL in " + folder.toAbsolutePath() + " did not start: " + e.getMessage()
                            + "; see " + folder.resolve("postgres.log"));
        }
    }

    /** URL of the database that was last started in a folder, whether it runs or not; empty if none ever was. */
    public static Optional<String> urlIn(Path folder) {
        try {
            return Optional.of(url(
                    Integer.parseInt(Files.readString(folder.resolve("port")).strip())));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** URL of the database, with its owner as user; it needs no password on this machine. */
    public String url() {
        return url(port);
    }

    private static String url(int port) {
        return "postgres://" + NAME + "@127.0.0.1:" + port + "/" + NAME;
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null;
        }
    }

    private EmbeddedPostgres startServer() throws IOException {
        ProcessBuilder.Redirect log =
                ProcessBuilder.Redirect.appendTo(folder.resolve("postgres.log").toFile());
        EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                .setDataDirectory(folder.resolve("postgres"))
                .setCleanDataDirectory(false)
                .setRegisterShutdownHook(false)
                .setPort(port)
                .setPGStartupWait(startLimit)
                .setOutputRedirector(log)
                .setErrorRedirector(log)
                // The library is made for tests and switches these off.
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("listen_addresses", "127.0.0.1")
                .setServerConfig("unix_socket_directories", "")
                .setServerConfig("max_connections", "100")
                // What waits and what was just sent stays in memory; checkpoints, after which whole pages are logged,
                // are rarer; and the
                // queue's table, through which every delivery passes, is vacuumed before it has grown.
                .setServerConfig("shared_buffers", "256MB")
                .setServerConfig("max_wal_size", "2GB")
                .setServerConfig("autovacuum_naptime", "15s");
        settings.forEach(builder::setServerConfig);
        return builder.start();
    }

    private void createDatabase() throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres");
                Statement statement = connection.createStatement()) {
            if (isMissing(statement, "SELECT FROM pg_roles WHERE rolname = 'posthorn'")) {
                statement.execute("CREATE ROLE posthorn LOGIN CREATEROLE");
            }
            if (isMissing(statement, "SELECT FROM pg_database WHERE datname = 'posthorn'")) {
                statement.execute("CREATE DATABASE posthorn OWNER posthorn");
            }
        }
    }

    private static boolean isMissing(Statement statement, String query) throws SQLException {
        try (ResultSet row = statement.executeQuery(query)) {
            return !row.next();
        }
    }

    private void watch() {
        try {
            while (!stopping.await(500, TimeUnit.MILLISECONDS)) {
                if (!LeftoverProcess.isAlive(folder.resolve("postgres"))) {
                    restart();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void restart() throws InterruptedException {
        LOG.warn("the embedded PostgreSQL has died and is started again");
        try {
            closeQuietly(server);
            if (Files.getFileStore(folder).getUsableSpace() < LEAST_SPACE) {
                throw new IOException("the disk of " + folder + " is full");
            }
            // The library keeps the lock of a start that has failed, and then finds it taken for ever. Nobody else is
            // here: the folder is locked by us.
            Files.deleteIfExists(folder.resolve("postgres").resolve("epg-lock"));
            server = startServer();
            LOG.warn("the embedded PostgreSQL runs again");
        } catch (IOException | IllegalStateException e) {
            LOG.error("the embedded PostgreSQL did not start again: {}; next try in 5 seconds", e.getMessage());
            if (stopping.await(5, TimeUnit.SECONDS)) {
                return;
            }
        }
    }

    private static int port(Path file) throws IOException {
        if (Files.exists(file)) {
            int kept = Integer.parseInt(Files.readString(file).strip());
            if (isFree(kept)) {
                return kept;
            }
        }
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Files.writeString(file, any.getLocalPort() + "\n");
            return any.getLocalPort();
        }
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }

    private static void closeQuietly(@Nullable AutoCloseable closeable) {
        try {
            if (closeable != null) {
                closeable.close();
            }
        } catch (Exception e) {
            LOG.debug("while closing", e);
        }
    }

    @Override
    public void close() {
        if (stopping.getCount() == 0) {
            return;
        }
        stopping.countDown();
        closeQuietly(server);
        closeQuietly(lock);
        closeQuietly(lockFile);
    }
}
