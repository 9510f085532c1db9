package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.posthorn.testkit.RawServer;
import dev.posthorn.testkit.TestNameServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a name service may answer, through the resolver of the system: a JVM in a mount namespace with another {@code /etc/resolv.conf}, a name
 * server on port 53 of a loopback address. Therefore root on Linux.
 */
@Timeout(120)
class NameServiceTest {
    private static final String NAMES = "127.0.53.10";
    private static final String RECEIVER = "127.0.53.11";
    private static final String REFUSED =
            "address_refused: the host's name leads to an address that may not be sent to";
    private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

    @TempDir
    Path folder;

    private TestNameServer names;

    @BeforeEach
    void start() throws IOException, InterruptedException {
        try {
            int left = new ProcessBuilder("unshare", "--mount", "true").start().waitFor();
            assumeTrue(left == 0, "needs root");
            names = TestNameServer.start(new InetSocketAddress(NAMES, 53));
        } catch (SocketException e) {
            assumeTrue(false, "needs port 53 of " + NAMES + ": " + e.getMessage());
            throw e;
        } catch (IOException e) {
            assumeTrue(false, "needs unshare: " + e.getMessage());
            throw e;
        }
    }

    @AfterEach
    void close() {
        if (names != null) {
            names.close();
        }
    }

    /** One request to each at the port, from where only {@link #RECEIVER} is allowed. */
    private List<String> send(int port, String patience, String... origins) throws Exception {
        Path file = Files.writeString(
                folder.resolve("resolv.conf"),
                "nameserver " + NAMES + "\nsearch inside.example.net\noptions " + patience + "\n");
        List<String> arguments = new ArrayList<>(List.of(RECEIVER + ":" + port));
        for (String origin : origins) {
            arguments.add(origin + ":" + port + "/");
        }
        return ChildJvm.run(
                List.of(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "mount --bind " + file + " /etc/resolv.conf && exec \"$@\"",
                        "sh"),
                Map.of(),
                List.of(),
                SendOnce.class,
                arguments.toArray(new String[0]));
    }

    @Test
    void aliases_are_judged_by_where_they_end() throws Exception {
        names.name("receiver.example.com", RECEIVER);
        names.alias("hooks.example.com", "edge.example.net");
        names.alias("edge.example.net", "receiver.example.com");
        names.name("metadata.example.com", "169.254.169.254");
        names.name("this.example.com", "127.0.0.1");
        names.alias("cloud.example.com", "a.example.net");
        names.alias("a.example.net", "b.example.net");
        names.alias("b.example.net", "metadata.example.com");
        // Names that the policy refuses by themselves, reached by another.
        names.name("localhost", "127.0.0.1");
        names.alias("home.example.com", "localhost");
        names.name("db.internal", "10.0.0.5");
        names.alias("db.example.com", "db.internal");
        names.alias("nowhere.example.com", "gone.example.net");
        names.alias("circle.example.com", "round.example.net");
        names.alias("round.example.net", "circle.example.com");
        // Only the search list knows it.
        names.name("searched.example.com.inside.example.net", "127.0.0.1");
        try (RawServer inside = RawServer.start(client -> client.write(OK));
                RawServer receiver = RawServer.start(
                        new InetSocketAddress(InetAddress.getByName(RECEIVER), inside.port()), client -> {
                            client.readRequest();
                            client.write(OK);
                        })) {
            assertThat(send(
                            receiver.port(),
                            "timeout:5 attempts:3",
                            "http://hooks.example.com",
                            "https://cloud.example.com",
                            "https://this.example.com",
                            "https://home.example.com",
                            "https://db.example.com",
                            "https://nowhere.example.com",
                            "https://circle.example.com",
                            "https://searched.example.com"))
                    .satisfiesExactly(
                            line -> assertThat(line).isEqualTo("answered 200"),
                            line -> assertThat(line).isEqualTo(REFUSED),
                            line -> assertThat(line).isEqualTo(REFUSED),
                            line -> assertThat(line).isEqualTo(REFUSED),
                            line -> assertThat(line).isEqualTo(REFUSED),
                            line -> assertThat(line).startsWith("dns: "),
                            line -> assertThat(line).startsWith("dns: "),
                            line -> assertThat(line).isEqualTo(REFUSED));
            assertThat(receiver.connections()).isEqualTo(1);
            assertThat(inside.connections()).isZero();
        }
    }

    @Test
    void failure_and_silence_of_the_name_server_are_failures_that_pass() throws Exception {
        names.name("hooks.example.com", "127.0.0.1");
        for (TestNameServer.State state : List.of(TestNameServer.State.FAILING, TestNameServer.State.SILENT)) {
            names.be(state);
            assertThat(send(8080, "timeout:1 attempts:1", "https://hooks.example.com"))
                    .singleElement()
                    .satisfies(line -> assertThat(line).startsWith("dns: "));
        }
    }
}
