package dev.posthorn.integrations.jdbc;

import dev.posthorn.delivery.address.AddressPolicy.Service;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.io.IOException;
import java.io.Reader;
import java.net.InetSocketAddress;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Connects with a driver that the operator has put into a folder of its own, {@code <drivers>/<kind>/}: its jars, and {@code driver.properties} with
 * its class, its URL, its port and whatever properties it needs. The operator writes the URL, with {@code {address}} and {@code {port}} for the
 * address that was judged; what owners say goes into properties alone.
 */
final class OperatorDatabase {
    /** The operator's setting: the folder. */
    static final String DRIVERS = "drivers";

    private static final Map<Path, OperatorDatabase> LOADED = new ConcurrentHashMap<>();
    private static final String PROPERTY = "property.";

    private final Driver driver;
    private final Properties settings;

    private OperatorDatabase(Driver driver, Properties settings) {
        this.driver = driver;
        this.settings = settings;
    }

    static Session open(JdbcConfiguration configuration, ConnectorContext context)
            throws ConnectorException, SQLException {
        Path drivers = context.operator().find(DRIVERS).map(Path::of).orElseThrow(() -> unknown(configuration.kind()));
        Path folder = drivers.resolve(configuration.kind());
        OperatorDatabase database = LOADED.get(folder);
        if (database == null) {
            // A driver that is loaded stays so: its classes cannot be let go of safely.
            OperatorDatabase loaded = load(folder, configuration.kind());
            OperatorDatabase first = LOADED.putIfAbsent(folder, loaded);
            database = first == null ? loaded : first;
        }
        return database.connect(configuration, context);
    }

    private static OperatorDatabase load(Path folder, String kind) throws ConnectorException {
        Path file = folder.resolve("driver.properties");
        if (!Files.isRegularFile(file)) {
            throw unknown(kind);
        }
        Properties settings = new Properties();
        try (Reader reader = Files.newBufferedReader(file);
                DirectoryStream<Path> jars = Files.newDirectoryStream(folder, "*.jar")) {
            settings.load(reader);
            List<URL> urls = new ArrayList<>();
            for (Path jar : jars) {
                urls.add(url(jar));
            }
            // Not ours: a driver must not see this program's classes, nor bring others in their place.
            @SuppressWarnings("resource") // Lives as long as the driver, that is, as the process.
            URLClassLoader loader = new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
            Driver driver = Class.forName(required(settings, "class"), true, loader)
                    .asSubclass(Driver.class)
                    .getDeclaredConstructor()
                    .newInstance();
            if (!required(settings, "url").contains("{address}")) {
                throw new IllegalArgumentException("its \"url\" must say {address}, the address that was judged");
            }
            return new OperatorDatabase(driver, settings);
        } catch (IOException | ReflectiveOperationException | RuntimeException e) {
            throw new ConnectorException(
                    Failure.INTERNAL,
                    "the driver for \"" + kind + "\" could not be loaded; its operator finds why in the log",
                    e);
        }
    }

    private static URL url(Path jar) {
        try {
            return jar.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(jar + " is no place of a jar", e);
        }
    }

    private static String required(Properties settings, String name) {
        String value = settings.getProperty(name, "").strip();
        if (value.isEmpty()) {
            throw new IllegalArgumentException("driver.properties says no \"" + name + "\"");
        }
        return value;
    }

    private static ConnectorException unknown(String kind) {
        return new ConnectorException(
                Failure.CONFIGURATION,
                "this server has no driver for the \"kind\" \"" + kind + "\"; its operator can add one");
    }

    private Session connect(JdbcConfiguration configuration, ConnectorContext context)
            throws ConnectorException, SQLException {
        int port = configuration.port().orElseGet(() -> Integer.parseInt(required(settings, "port")));
        InetSocketAddress address = context.network()
                .addresses(Service.POSTGRESQL, configuration.host(), port)
                .get(0);
        String literal = address.getAddress().getHostAddress();
        String url = required(settings, "url")
                .replace("{address}", literal.indexOf(':') < 0 ? literal : "[" + literal + "]")
                .replace("{port}", String.valueOf(port));
        Properties properties = new Properties();
        for (String name : settings.stringPropertyNames()) {
            if (name.startsWith(PROPERTY)) {
                properties.setProperty(
                        name.substring(PROPERTY.length()),
                        settings.getProperty(name)
                                .replace("{host}", configuration.host())
                                .replace("{database}", configuration.database()));
            }
        }
        properties.setProperty("user", configuration.username());
        properties.setProperty("password", context.credentials().require("password"));
        Connection connection = driver.connect(url, properties);
        if (connection == null) {
            throw new ConnectorException(
                    Failure.INTERNAL,
                    "the driver for \"" + configuration.kind() + "\" does not know the URL in its driver.properties");
        }
        try {
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            return new Session(connection, false, () -> {});
        } catch (SQLException e) {
            connection.close();
            throw e;
        }
    }
}
