package dev.posthorn.apikeys.verify;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.IssuedKey;
import dev.posthorn.apikeys.KeySettings;
import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.Eventually;
import dev.posthorn.testkit.PostgresServer;
import dev.posthorn.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** A database with a community {@code acme}, and any number of verifiers on it, as on so many nodes. */
public final class Verifiers implements AutoCloseable {
    /** The database. */
    public final TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());

    final HikariDataSource pool;
    private final List<Runnable> opened = new ArrayList<>();
    private final ApiKeys keys = new ApiKeys();

    /** With a new database. */
    public Verifiers() {
        database.administrate(
                "INSERT INTO posthorn.communities (external_id, name) VALUES ('acme', 'Acme'), ('other', 'Other')");
        pool = pool(database.server().port());
    }

    /** A running verifier that hears of changes. */
    public KeyVerifier start() throws Exception {
        return start(KeyVerifier.Options.usual(), database.server().port());
    }

    /** A running verifier whose listener reaches the database at another port. */
    KeyVerifier start(KeyVerifier.Options options, int listenerPort) throws Exception {
        HikariDataSource own = pool(listenerPort);
        opened.add(own::close);
        KeyVerifier verifier = new KeyVerifier(pool, own, options);
        opened.add(verifier::close);
        verifier.start();
        Eventually.until("it hears of changes", verifier::isHearing);
        return verifier;
    }

    HikariDataSource pool(int port) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl("jdbc:postgresql://127.0.0.1:" + port + "/" + database.name());
        config.setUsername(PostgresServer.OWNER);
        config.setPassword(PostgresServer.PASSWORD);
        config.setMaximumPoolSize(8);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(2_000);
        config.setInitializationFailTimeout(-1);
        return new HikariDataSource(config);
    }

    /** A key of acme. */
    public IssuedKey key(KeySettings settings) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return keys.create(connection, ApiKey.Mode.LIVE, "ext:acme", settings.json(), null);
        }
    }

    /** Something done to a key, committed when it returns. */
    public <T> T manage(Management<T> management) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            return management.with(keys, connection);
        }
    }

    /** What is done to a key. */
    @FunctionalInterface
    public interface Management<T> {
        /** Does it. */
        T with(ApiKeys keys, Connection connection) throws SQLException;
    }

    @Override
    public void close() {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).run();
        }
        pool.close();
        database.close();
    }
}
