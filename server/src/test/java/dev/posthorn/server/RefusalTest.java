package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.schema.Migrator;
import dev.posthorn.testkit.RawServer;
import dev.posthorn.testkit.TestDatabase;
import dev.posthorn.vault.MasterKeyset;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a tenant reads of a refusal is no map of our network. */
@Timeout(180)
class RefusalTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String REFUSED_BY_THE_OPERATOR = "10.66.0.0/16";
    private static final String OWN = "10.77.0.1";

    private final HttpClient http = HttpClient.newHttpClient();
    private String base = "";
    private String key = "";

    @TempDir
    Path folder;

    private static List<String> internal() throws Exception {
        Set<String> addresses = new LinkedHashSet<>(List.of(
                "127.0.0.1",
                "127.0.0.2",
                "0.0.0.0",
                "169.254.169.254",
                "169.254.0.1",
                "168.63.129.16",
                "100.64.0.1",
                "192.168.0.1",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.2.1",
                "198.18.0.1",
                "224.0.0.1",
                "255.255.255.255",
                "10.66.0.1",
                OWN,
                "::1",
                "::",
                "fd00::1",
                "fe80::1",
                "fc00::1",
                "ff02::1",
                "2001:db8::1",
                "2002:7f00:1::",
                "64:ff9b::a00:1"));
        for (int i = 0; i < 40; i++) {
            addresses.add("10." + i * 6 + "." + i + ".1");
        }
        for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
            each.inetAddresses()
                    .map(InetAddress::getHostAddress)
                    .filter(address -> address.indexOf('%') < 0)
                    .forEach(addresses::add);
        }
        return List.copyOf(addresses);
    }

    @Test
    void one_internal_address_is_not_told_from_another() throws Exception {
        List<String> internal = internal();
        StringBuilder hosts = new StringBuilder();
        for (int i = 0; i < internal.size(); i++) {
            hosts.append(internal.get(i)).append(" h").append(i).append(".example.com\n");
        }
        Path file = Files.writeString(folder.resolve("hosts"), hosts);
        try (TestDatabase database = TestDatabase.create(source -> new Migrator(source).migrate());
                // Somebody is at home at one of them, and must not be disturbed.
                RawServer inside = RawServer.start(client -> client.awaitEnd())) {
            try (ServerProcess server = ServerProcess.start(
                    Map.of(
                            "DATABASE_URL",
                            database.url(),
                            "POSTHORN_MASTER_KEY",
                            MasterKeyset.generate().encoded(),
                            "POSTHORN_REFUSED_NETWORKS",
                            REFUSED_BY_THE_OPERATOR,
                            "POSTHORN_OWN_ADDRESSES",
                            OWN,
                            "JAVA_TOOL_OPTIONS",
                            "-Djdk.net.hosts.file=" + file),
                    "serve",
                    "--port",
                    "0")) {
                key = after(server.awaitLine("service key", Duration.ofSeconds(90)), ": ");
                base = after(server.awaitLine("REST API:", Duration.ofSeconds(90)), "  ");
                call("POST", "/communities", "{\"external_id\":\"acme\",\"name\":\"Acme\"}");
                names(internal, inside.port());
                literals(internal, inside.port());
            }
            assertThat(inside.connections()).isZero();
        }
    }

    /** Names are taken, because nobody is asked then where they lead; each attempt fails in the same words and without a connection. */
    private void names(List<String> internal, int port) throws Exception {
        for (int i = 0; i < internal.size(); i++) {
            HttpResponse<String> made = call(
                    "POST",
                    "/communities/ext:acme/endpoints",
                    "{\"url\":\"https://h" + i + ".example.com:" + port
                            + "/\",\"event_types\":[\"n.*\"],\"max_attempts\":1}");
            assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
        }
        call("POST", "/communities/ext:acme/events", "{\"event_type\":\"n.x\",\"payload\":{}}");
        List<JsonNode> dead = new ArrayList<>();
        while (dead.size() < internal.size()) {
            TimeUnit.MILLISECONDS.sleep(50);
            dead.clear();
            read(call("GET", "/communities/ext:acme/deliveries?status=dead_letter&limit=250", ""))
                    .get("data")
                    .forEach(dead::add);
        }
        Set<String> told = new HashSet<>();
        for (JsonNode delivery : dead) {
            JsonNode attempt = read(call(
                            "GET",
                            "/communities/ext:acme/deliveries/"
                                    + delivery.get("id").stringValue() + "/attempts",
                            ""))
                    .get("data")
                    .get(0);
            told.add(attempt.get("error_class").stringValue() + ": "
                    + attempt.get("error").stringValue() + " / "
                    + delivery.get("last_error").stringValue());
            // A connection that is refused, let alone one that is not answered, would be told by its time.
            assertThat(attempt.get("duration_ms").intValue()).isLessThan(5_000);
        }
        assertThat(told)
                .containsExactly("address_refused: the host's name leads to an address that may not be sent to / "
                        + "the host's name leads to an address that may not be sent to");
    }

    /** A literal is refused at once, and the sentence holds nothing but what the public registry says of it. */
    private void literals(List<String> internal, int port) throws Exception {
        for (String address : internal) {
            String host = address.indexOf(':') < 0 ? address : "[" + address + "]";
            HttpResponse<String> refused = call(
                    "POST",
                    "/communities/ext:acme/endpoints",
                    "{\"url\":\"https://" + host + ":" + port + "/\",\"event_types\":[\"n.*\"]}");
            assertThat(refused.statusCode()).as(refused.body()).isEqualTo(422);
            assertThat(refused.body())
                    .contains("address")
                    .doesNotContain("operator")
                    .doesNotContain("own");
            if (address.startsWith("10.")) {
                assertThat(refused.body()).as(address).contains("it is private-use (10.0.0.0/8)");
            }
        }
    }

    private static String after(String line, String separator) {
        return line.substring(line.lastIndexOf(separator) + separator.length()).strip();
    }

    private static JsonNode read(HttpResponse<String> response) {
        return JSON.readTree(response.body());
    }

    private HttpResponse<String> call(String method, String path, String body) throws Exception {
        return Contract.check(http.send(
                HttpRequest.newBuilder(URI.create(base + path))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString()));
    }
}
