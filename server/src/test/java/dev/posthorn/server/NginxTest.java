package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import dev.posthorn.server.settings.Settings.Setting;
import dev.posthorn.testkit.Eventually;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The recipe for nginx of docs/api-keys.md, with the nginx of this machine. */
class NginxTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    @Test
    void nginx_lets_in_refuses_limits_and_hears_of_a_revocation() throws Exception {
        Optional<Path> nginx = nginx();
        assumeTrue(nginx.isPresent(), "nginx is not on the PATH; Debian's package nginx has it");
        try (KeyServer server = new KeyServer(Map.of(Setting.TRUSTED_PROXIES, "127.0.0.1"))) {
            HttpServer application = application();
            int port = freePort();
            Process process = start(nginx.get(), port, server, application);
            try {
                URI orders = URI.create("http://127.0.0.1:" + port + "/orders");
                awaitAnswer(orders);
                String key = server.make(
                        "{\"name\":\"reader\",\"scopes\":[\"orders:read\"],\"allowed_networks\":[\"127.0.0.1\"],"
                                + "\"rate_limits\":{\"default\":{\"limit\":3,\"period_seconds\":3600}}}");
                String id = server.database()
                        .one("SELECT id FROM posthorn.api_keys WHERE prefix = '" + key.substring(0, 16) + "'");
                HttpResponse<String> allowed = get(orders, key);
                assertThat(allowed.statusCode()).as(allowed.body()).isEqualTo(200);
                assertThat(allowed.body())
                        .isEqualTo("key " + id + " of "
                                + server.database()
                                        .one("SELECT id FROM posthorn.communities WHERE external_id = 'acme'"));
                assertThat(header(allowed, "RateLimit")).startsWith("\"default\";r=2");

                assertThat(get(orders, "").statusCode()).isEqualTo(401);
                assertThat(get(orders, "nonsense").statusCode()).isEqualTo(401);
                assertThat(header(get(orders, "nonsense"), "WWW-Authenticate")).contains("invalid_token");
                assertThat(get(orders, server.make("{\"name\":\"writer\",\"scopes\":[\"orders:write\"]}"))
                                .statusCode())
                        .isEqualTo(403);
                assertThat(get(
                                        orders,
                                        server.make(
                                                "{\"name\":\"far\",\"scopes\":[\"*\"],\"allowed_networks\":[\"192.0.2.0/24\"]}"))
                                .statusCode())
                        .isEqualTo(403);

                // A client cannot choose what is asked of its key.
                assertThat(get(URI.create(orders + "?cost=0&scope="), key).statusCode())
                        .isEqualTo(200);
                assertThat(get(orders, key).statusCode()).isEqualTo(200);
                HttpResponse<String> limited = get(orders, key);
                assertThat(limited.statusCode()).isEqualTo(429);
                assertThat(Integer.parseInt(header(limited, "Retry-After"))).isBetween(1, 3600);

                String ended = server.make("{\"name\":\"ended\",\"scopes\":[\"orders:*\"]}");
                assertThat(get(orders, ended).statusCode()).isEqualTo(200);
                server.send("POST", "/api-keys/self-revoke", "", ended);
                Eventually.until("refused", () -> get(orders, ended).statusCode() == 401);
            } finally {
                process.destroy();
                process.waitFor();
                application.stop(0);
            }
        }
    }

    private Process start(Path nginx, int port, KeyServer server, HttpServer application) throws Exception {
        Path file = folder.resolve("nginx.conf");
        String recipe = recipe().replace("http://127.0.0.1:8080", server.node().address())
                .replace(
                        "http://127.0.0.1:3000",
                        "http://127.0.0.1:" + application.getAddress().getPort())
                .replace("listen 80;", "listen 127.0.0.1:" + port + ";");
        Files.writeString(file, """
                daemon off;
                master_process off;
                pid %1$s/nginx.pid;
                error_log %1$s/error.log info;
                events {}
                http {
                access_log off;
                client_body_temp_path %1$s/body;
                proxy_temp_path %1$s/proxy;
                fastcgi_temp_path %1$s/fastcgi;
                uwsgi_temp_path %1$s/uwsgi;
                scgi_temp_path %1$s/scgi;
                %2$s
                }
                """.formatted(folder, recipe));
        return new ProcessBuilder(nginx.toString(), "-p", folder.toString(), "-c", file.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output.log").toFile())
                .start();
    }

    /** The block of the documentation, so that what is told is what is tried. */
    private static String recipe() throws IOException {
        String text = Files.readString(Path.of("..", "docs", "api-keys.md"));
        int begin = text.indexOf("```nginx\n") + "```nginx\n".length();
        return text.substring(begin, text.indexOf("```", begin));
    }

    private static HttpServer application() throws IOException {
        HttpServer application = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        application.createContext("/", exchange -> {
            byte[] answer = ("key " + exchange.getRequestHeaders().getFirst("Posthorn-Key-Id") + " of "
                            + exchange.getRequestHeaders().getFirst("Posthorn-Community-Id"))
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        application.start();
        return application;
    }

    private static Optional<Path> nginx() {
        return Stream.concat(Stream.of(System.getenv("PATH").split(":", -1)), Stream.of("/usr/sbin"))
                .map(place -> Path.of(place, "nginx"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private void awaitAnswer(URI address) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (true) {
            try {
                get(address, "");
                return;
            } catch (IOException e) {
                if (System.nanoTime() > end) {
                    throw new AssertionError(Files.readString(folder.resolve("output.log")), e);
                }
            }
        }
    }

    private static HttpResponse<String> get(URI address, String key) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(address);
        if (!key.isEmpty()) {
            request.header("Authorization", "Bearer " + key);
        }
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }

    private static String header(HttpResponse<String> answer, String name) {
        return answer.headers().firstValue(name).orElse("");
    }
}
