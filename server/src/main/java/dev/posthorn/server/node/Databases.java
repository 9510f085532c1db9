package dev.posthorn.server.node;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.settings.DatabaseUrl;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Properties;

/** Opens databases, and says in one sentence why one cannot be opened. */
public final class Databases {
    private Databases() {}

    /**
     * A pool that gives up after 1.5 seconds, so that a caller is answered within two.
     *
     * @throws PosthornException if the database does not answer now
     */
    public static HikariDataSource pool(DatabaseUrl url, String name, int connections) {
        check(url);
        HikariConfig config = new HikariConfig();
        config.setPoolName(name);
        config.setJdbcUrl(url.jdbcUrl());
        if (url.user() != null) {
            config.setUsername(url.user());
        }
        if (url.password() != null) {
            config.setPassword(url.password());
        }
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(1_500);
        config.setValidationTimeout(1_000);
        config.setInitializationFailTimeout(-1);
        config.addDataSourceProperty("ApplicationName", "posthorn");
        config.addDataSourceProperty("tcpKeepAlive", "true");
        config.addDataSourceProperty("connectTimeout", "2");
        return new ImpatientPool(config);
    }

    /**
     * HikariCP waits longer and longer, up to 5 seconds, between its attempts to reach a database that is away, and cannot be told
     * otherwise. Whoever has waited in vain wakes it from that wait, so that work goes on soon after the database is back.
     */
    private static final class ImpatientPool extends HikariDataSource {
        ImpatientPool(HikariConfig config) {
            super(config);
        }

        @Override
        public Connection getConnection() throws SQLException {
            try {
                return super.getConnection();
            } catch (SQLTransientConnectionException e) {
                String connecting = getPoolName() + ":connection-adder";
                for (Thread thread : Thread.getAllStackTraces().keySet()) {
                    if (thread.getName().startsWith(connecting)) {
                        thread.interrupt();
                    }
                }
                throw e;
            }
        }
    }

    private static void check(DatabaseUrl url) {
        Properties properties = new Properties();
        if (url.user() != null) {
            properties.setProperty("user", url.user());
        }
        if (url.password() != null) {
            properties.setProperty("password", url.password());
        }
        properties.setProperty("connectTimeout", "5");
        properties.setProperty("loginTimeout", "10");
        try (Connection connection = DriverManager.getConnection(url.jdbcUrl(), properties)) {
            connection.getMetaData();
        } catch (SQLException e) {
            String reason = e.getMessage() == null
                    ? ""
                    : e.getMessage().lines().findFirst().orElse("").replaceAll("\\.$", "");
            throw new PosthornException(
                    PosthornException.UNAVAILABLE,
                    "the database " + url + " cannot be opened: " + reason + "; check DATABASE_URL");
        }
    }
}
