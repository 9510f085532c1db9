package dev.posthorn.server.node;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.settings.DatabaseUrl;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
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
        return new HikariDataSource(config);
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
