package dev.posthorn.integrations.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.ConnectorFixture;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.Optional;
import org.h2.tools.Server;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A database that is no PostgreSQL, over its own protocol, with a driver that was dropped into a folder. */
class OperatorDatabaseTest {
    @TempDir
    Path drivers;

    private Server server;
    private Connection owner;
    private ConnectorFixture connector;

    @BeforeEach
    void start() throws Exception {
        owner = DriverManager.getConnection("jdbc:h2:mem:shop;USER=reader;PASSWORD=s3cret");
        owner.createStatement().execute("""
                CREATE TABLE item (id BIGINT PRIMARY KEY, price DECIMAL(10, 2), changed TIMESTAMP WITH TIME ZONE);
                INSERT INTO item VALUES (1, 1.50, TIMESTAMP WITH TIME ZONE '2026-11-24 08:00:00+01:00'),
                                        (2, 2.00, TIMESTAMP WITH TIME ZONE '2026-11-24 08:00:00+01:00'),
                                        (3, 3.25, TIMESTAMP WITH TIME ZONE '2026-11-24 09:00:00+01:00')""");
        server = Server.createTcpServer("-tcpPort", "0").start();
        Path folder = Files.createDirectories(drivers.resolve("h2"));
        Path jar = Path.of(org.h2.Driver.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Files.copy(jar, folder.resolve("driver.jar"));
        write("class=org.h2.Driver\nurl=jdbc:h2:tcp://{address}:{port}/mem:shop\nport=" + server.getPort() + "\n");
        connector = new ConnectorFixture(new JdbcConnector(), "127.0.0.1/32:" + server.getPort())
                .operator("drivers", drivers.toString())
                .credential("password", "s3cret");
    }

    @AfterEach
    void stop() throws Exception {
        connector.close();
        owner.close();
        server.stop();
    }

    @Test
    void its_rows_are_read_with_their_types_and_only_what_is_new() throws Exception {
        connector.runAndDieAfter(1, configuration("\"cursor_column\": \"CHANGED\", \"fetch_size\": 1"));
        assertThat(run("\"cursor_column\": \"CHANGED\", \"fetch_size\": 1")).isEmpty();
        assertThat(connector.ids("row")).containsExactly("1", "2", "3");
        assertThat(connector.batches()).containsExactly(1, 1, 1);
        assertThat(connector.saved("row").get(0))
                .hasToString("{\"ID\":1,\"PRICE\":\"1.50\",\"CHANGED\":\"2026-11-24T07:00:00Z\"}");
        owner.createStatement()
                .execute("INSERT INTO item VALUES (4, 4, TIMESTAMP WITH TIME ZONE '2026-11-24 09:00:00+01:00')");
        assertThat(run("\"cursor_column\": \"CHANGED\"")).isEmpty();
        assertThat(connector.batches()).containsExactly(1, 1, 1, 1);
    }

    @Test
    void a_driver_that_was_loaded_stays() throws Exception {
        assertThat(run("")).isEmpty();
        Files.delete(drivers.resolve("h2/driver.jar"));
        assertThat(run("")).isEmpty();
    }

    @Test
    void an_address_that_is_not_allowed_is_not_connected_to() throws Exception {
        try (ConnectorFixture elsewhere = new ConnectorFixture(new JdbcConnector())
                .operator("drivers", drivers.toString())
                .credential("password", "s3cret")) {
            assertThat(elsewhere.run(configuration("")))
                    .map(ConnectorException::failure)
                    .contains(Failure.ADDRESS_REFUSED);
        }
    }

    @Test
    void a_kind_without_a_driver_is_a_matter_of_configuration() throws Exception {
        assertThat(connector.run(configuration("").replace("\"h2\"", "\"oracle\"")))
                .map(ConnectorException::failure)
                .contains(Failure.CONFIGURATION);
    }

    @Test
    void a_url_that_does_not_say_the_judged_address_is_not_used() throws Exception {
        Path folder = Files.createDirectories(drivers.resolve("bad"));
        Files.writeString(
                folder.resolve("driver.properties"), "class=org.h2.Driver\nurl=jdbc:h2:tcp://localhost/x\nport=1\n");
        assertThat(connector.run(configuration("").replace("\"h2\"", "\"bad\"")))
                .map(ConnectorException::failure)
                .contains(Failure.INTERNAL);
    }

    @Test
    void a_wrong_password_is_said_to_be_one() throws Exception {
        connector.credential("password", "wrong");
        assertThat(run("")).map(ConnectorException::failure).contains(Failure.CREDENTIALS);
    }

    private void write(String properties) throws Exception {
        Files.writeString(drivers.resolve("h2/driver.properties"), properties);
    }

    private Optional<ConnectorException> run(String more) throws InterruptedException {
        return connector.run(configuration(more));
    }

    private String configuration(String more) {
        return """
                {"kind": "h2", "host": "127.0.0.1", "port": %d, "database": "shop", "username": "reader",
                 "query": "SELECT * FROM item", "id_column": "ID"%s}""".formatted(server.getPort(), more.isEmpty() ? "" : ", " + more);
    }
}
