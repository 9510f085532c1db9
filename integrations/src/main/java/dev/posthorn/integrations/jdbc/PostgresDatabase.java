package dev.posthorn.integrations.jdbc;

import dev.posthorn.delivery.address.AddressPolicy.Service;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Connects to PostgreSQL. Everything that pgjdbc could take from a URL, a file or the environment is either set here or not there: no service file,
 * no password file, no certificates of this machine's user.
 */
final class PostgresDatabase {
    /** What an owner may set, and how pgjdbc calls it. */
    private static final Map<String, PGProperty> PARAMETERS = Map.of(
            "application_name", PGProperty.APPLICATION_NAME,
            "current_schema", PGProperty.CURRENT_SCHEMA);

    private static final int LOGIN_SECONDS = 30;
    private static final int SILENCE_BEYOND_TIMEOUT_SECONDS = 30;

    private PostgresDatabase() {}

    static Session open(JdbcConfiguration configuration, ConnectorContext context)
            throws ConnectorException, SQLException {
        int port = configuration.port().orElse(Service.POSTGRESQL.port());
        // What is refused is refused before anything is tried.
        var unused = context.network().addresses(Service.POSTGRESQL, configuration.host(), port);
        String ticket = VettedSocketFactory.announce(context.network(), configuration.host(), port);
        Connection connection = null;
        try {
            connection = connect(configuration, port, context.credentials().require("password"), ticket);
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            set(connection, "statement_timeout", configuration.timeout().toMillis() + "ms");
            set(connection, "TimeZone", "UTC");
            return new Session(connection, true, () -> VettedSocketFactory.forget(ticket));
        } catch (ConnectorException | SQLException | RuntimeException e) {
            VettedSocketFactory.forget(ticket);
            if (connection != null) {
                connection.close();
            }
            throw e;
        }
    }

    private static Connection connect(JdbcConfiguration configuration, int port, String password, String ticket)
            throws ConnectorException, SQLException {
        Properties properties = new Properties();
        // By properties alone: nothing of a configuration gets into a URL, where it could become another parameter.
        PGProperty.PG_HOST.set(properties, configuration.host());
        PGProperty.PG_PORT.set(properties, port);
        PGProperty.PG_DBNAME.set(properties, configuration.database());
        PGProperty.USER.set(properties, configuration.username());
        PGProperty.PASSWORD.set(properties, password);
        PGProperty.SOCKET_FACTORY.set(properties, VettedSocketFactory.class.getName());
        PGProperty.SOCKET_FACTORY_ARG.set(properties, ticket);
        PGProperty.GSS_ENC_MODE.set(properties, "disable");
        PGProperty.JAAS_LOGIN.set(properties, false);
        PGProperty.STRING_TYPE.set(properties, "unspecified");
        PGProperty.PREPARE_THRESHOLD.set(properties, 0);
        PGProperty.APPLICATION_NAME.set(properties, "Posthorn");
        PGProperty.LOGIN_TIMEOUT.set(properties, LOGIN_SECONDS);
        PGProperty.SOCKET_TIMEOUT.set(
                properties, Math.toIntExact(configuration.timeout().toSeconds()) + SILENCE_BEYOND_TIMEOUT_SECONDS);
        PGProperty.TCP_KEEP_ALIVE.set(properties, true);
        for (Map.Entry<String, String> parameter : configuration.parameters().entrySet()) {
            PGProperty property = PARAMETERS.get(parameter.getKey());
            if (property == null) {
                throw new ConnectorException(
                        Failure.CONFIGURATION,
                        "\"parameters." + parameter.getKey() + "\" cannot be set; these can: "
                                + String.join(
                                        ", ",
                                        PARAMETERS.keySet().stream().sorted().toList()));
            }
            property.set(properties, parameter.getValue());
        }
        tls(configuration, properties);
        Connection connection = new Driver().connect("jdbc:postgresql:", properties);
        if (connection == null) {
            throw new IllegalStateException("pgjdbc does not know its own URL");
        }
        return connection;
    }

    private static void tls(JdbcConfiguration configuration, Properties properties) throws ConnectorException {
        @Nullable String certificate = configuration.certificate().orElse(null);
        switch (configuration.tls()) {
            case DISABLE -> {
                PGProperty.SSL_MODE.set(properties, "disable");
                // Else whoever is asked for a password in the clear gets it.
                PGProperty.REQUIRE_AUTH.set(properties, "scram-sha-256");
                return;
            }
            case VERIFY_CA -> {
                if (certificate == null) {
                    throw new ConnectorException(
                            Failure.CONFIGURATION,
                            "\"tls\": \"verify-ca\" needs \"ca_certificate\", or any server with any certificate would do");
                }
                PGProperty.SSL_MODE.set(properties, "verify-ca");
            }
            case VERIFY_FULL -> PGProperty.SSL_MODE.set(properties, "verify-full");
        }
        if (certificate == null) {
            PGProperty.SSL_FACTORY.set(properties, "org.postgresql.ssl.DefaultJavaSSLFactory");
            return;
        }
        // The factory takes the name of a file, too, which owners must not give.
        if (!certificate.startsWith("-----BEGIN CERTIFICATE-----")) {
            throw new ConnectorException(
                    Failure.CONFIGURATION, "\"ca_certificate\" must be PEM and begin with -----BEGIN CERTIFICATE-----");
        }
        PGProperty.SSL_FACTORY.set(properties, "org.postgresql.ssl.SingleCertValidatingFactory");
        PGProperty.SSL_FACTORY_ARG.set(properties, certificate);
    }

    /** For this transaction, so that a pooler in between hands nothing of it to others. */
    private static void set(Connection connection, String name, String value) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT pg_catalog.set_config(?, ?, true)")) {
            statement.setString(1, name);
            statement.setString(2, value);
            statement.execute();
        }
    }
}
