package dev.posthorn.integrations.jdbc;

import dev.posthorn.delivery.address.AddressPolicy.Service;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGProperty;
import org.postgresql.ds.PGSimpleDataSource;

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
        PGSimpleDataSource source = new PGSimpleDataSource();
        // By name: what a configuration says cannot become another parameter, as it could in a URL.
        String host = configuration.host();
        source.setServerNames(new String[] {host.indexOf(':') < 0 ? host : "[" + host + "]"});
        source.setPortNumbers(new int[] {port});
        source.setDatabaseName(configuration.database());
        source.setProperty(PGProperty.SOCKET_FACTORY, VettedSocketFactory.class.getName());
        source.setProperty(PGProperty.SOCKET_FACTORY_ARG, ticket);
        source.setProperty(PGProperty.GSS_ENC_MODE, "disable");
        source.setProperty(PGProperty.JAAS_LOGIN, "false");
        source.setProperty(PGProperty.STRING_TYPE, "unspecified");
        source.setProperty(PGProperty.PREPARE_THRESHOLD, "0");
        source.setProperty(PGProperty.APPLICATION_NAME, "Posthorn");
        source.setLoginTimeout(LOGIN_SECONDS);
        source.setSocketTimeout(Math.toIntExact(configuration.timeout().toSeconds()) + SILENCE_BEYOND_TIMEOUT_SECONDS);
        source.setTcpKeepAlive(true);
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
            source.setProperty(property, parameter.getValue());
        }
        tls(configuration, source);
        return source.getConnection(configuration.username(), password);
    }

    private static void tls(JdbcConfiguration configuration, PGSimpleDataSource source)
            throws ConnectorException, SQLException {
        @Nullable String certificate = configuration.certificate().orElse(null);
        switch (configuration.tls()) {
            case DISABLE -> {
                source.setProperty(PGProperty.SSL_MODE, "disable");
                // Else whoever asks for the password in the clear gets it, or a hash that is as good.
                source.setProperty(PGProperty.REQUIRE_AUTH, "scram-sha-256,none");
                return;
            }
            case VERIFY_CA -> {
                if (certificate == null) {
                    throw new ConnectorException(
                            Failure.CONFIGURATION,
                            "\"tls\": \"verify-ca\" needs \"ca_certificate\", or any server with any certificate would do");
                }
                source.setProperty(PGProperty.SSL_MODE, "verify-ca");
            }
            case VERIFY_FULL -> source.setProperty(PGProperty.SSL_MODE, "verify-full");
        }
        if (certificate == null) {
            source.setProperty(PGProperty.SSL_FACTORY, "org.postgresql.ssl.DefaultJavaSSLFactory");
            return;
        }
        // The factory takes the name of a file, too, which owners must not give.
        if (!certificate.startsWith("-----BEGIN CERTIFICATE-----")) {
            throw new ConnectorException(
                    Failure.CONFIGURATION, "\"ca_certificate\" must be PEM and begin with -----BEGIN CERTIFICATE-----");
        }
        source.setProperty(PGProperty.SSL_FACTORY, "org.postgresql.ssl.SingleCertValidatingFactory");
        source.setProperty(PGProperty.SSL_FACTORY_ARG, certificate);
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
