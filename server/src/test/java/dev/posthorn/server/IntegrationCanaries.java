package dev.posthorn.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import tools.jackson.databind.json.JsonMapper;

/** Credentials of integrations that can be recognised, through what goes wrong with them: the other side tells them back in every way it has. */
final class IntegrationCanaries implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String ALL = "/communities/ext:acme/integrations";
    private static final int NOBODY = 1;
    /** The user of logins that are sent as base64, secret included. */
    static final String LOGIN = "acme";

    private final Calls calls;
    private final Supplier<String> canary;
    private final int databasePort;
    private final HttpServer talkative;
    private final AtomicInteger heard = new AtomicInteger();

    /** A call of the API, whose answer is searched later. */
    interface Calls {
        String send(String method, String path, String body, String... headers) throws Exception;
    }

    /**
     * @param canary a new secret at each call
     * @param databasePort of a PostgreSQL that does not know the login
     */
    IntegrationCanaries(Calls calls, Supplier<String> canary, int databasePort) throws IOException {
        this.calls = calls;
        this.canary = canary;
        this.databasePort = databasePort;
        talkative = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        talkative.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        talkative.createContext("/", this::tellBack);
        talkative.start();
    }

    /** Repeats what came as the login: refused, as malformed JSON, as a field's name, in a redirect, as an id that is none. */
    private void tellBack(HttpExchange exchange) throws IOException {
        String login = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
        exchange.getRequestBody().readAllBytes();
        heard.incrementAndGet();
        String path = exchange.getRequestURI().getPath();
        int status = switch (path) {
            case "/refused" -> 401;
            case "/redirect" -> 302;
            case "/broken" -> 500;
            default -> 200;
        };
        String body = switch (path) {
            case "/malformed" -> "{\"items\": [{\"id\": \"" + login + "\", ";
            case "/drift" -> "{\"" + login + "\": {\"" + login.replace("Bearer ", "") + "\": 1}}";
            case "/rejected" -> "{\"items\": [{\"id\": {\"" + login + "\": 1}}, {\"id\": 1}]}";
            default -> "no: " + login;
        };
        exchange.getResponseHeaders().set("Location", "http://127.0.0.1/?login=" + login.replace(' ', '+'));
        exchange.getResponseHeaders().set("WWW-Authenticate", login);
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    /** So many of them. */
    void put(int canaries) throws Exception {
        for (int n = 0; n < canaries; n++) {
            String secret = canary.get();
            switch (n % 10) {
                case 0 -> readBy("/refused", "bearer", "token", secret);
                case 1 -> readBy("/malformed", "bearer", "token", secret);
                case 2 -> readBy("/drift", "bearer", "token", secret);
                case 3 -> readBy(n % 20 == 3 ? "/redirect" : "/broken", "bearer", "token", secret);
                case 4 -> readBy("/rejected", "header\", \"header\": \"Authorization", "header_value", secret);
                case 9 -> readBy("/drift", "basic", "username\": \"" + LOGIN + "\", \"password", secret);
                case 5 -> fetched(secret);
                case 6 -> queried(secret, n % 20 == 6 ? databasePort : NOBODY);
                case 7 -> landed(n % 20 == 7 ? "password" : "private_key", secret);
                case 8 -> pushed(secret);
                default -> throw new IllegalStateException();
            }
            if (n % 10 == 0) {
                misspelt(secret);
            }
        }
        // Each of those that speak HTTP was checked and run; what is tried again is not waited for.
        assertThat(heard.get()).isGreaterThan(canaries);
    }

    private void readBy(String path, String login, String field, String secret) throws Exception {
        tried(integration(
                "http-json",
                "{\"url\": \"" + at(path) + "\", \"auth\": {\"type\": \"" + login
                        + "\"}, \"records\": {\"at\": \"/items\"}}",
                "{\"" + field + "\": \"" + secret + "\"}"));
    }

    private void fetched(String secret) throws Exception {
        tried(integration(
                "http-json",
                "{\"url\": \"" + at("/items")
                        + "\", \"auth\": {\"type\": \"oauth2_client_credentials\", \"token_url\": \"" + at("/refused")
                        + "\"}, \"records\": {\"at\": \"/items\"}}",
                "{\"client_id\": \"posthorn\", \"client_secret\": \"" + secret + "\"}"));
    }

    private void queried(String secret, int port) throws Exception {
        tried(integration(
                "jdbc",
                "{\"host\": \"127.0.0.1\", \"port\": " + port
                        + ", \"database\": \"erp\", \"username\": \"nobody\", \"tls\": \"disable\", \"query\": \"SELECT 1 AS id\"}",
                "{\"password\": \"" + secret + "\"}"));
    }

    private void landed(String field, String secret) throws Exception {
        tried(integration(
                "bank-statement",
                "{\"source\": {\"type\": \"sftp\", \"host\": \"127.0.0.1\", \"port\": " + databasePort
                        + ", \"username\": \"acme\", \"host_key\": [\"SHA256:" + "A".repeat(43)
                        + "\"], \"path\": \"/\"}}",
                "{\"" + field + "\": \"" + secret + "\"}"));
    }

    private void pushed(String secret) throws Exception {
        String id = integration(
                "push",
                "{\"verification\": {\"type\": \"basic\"}, \"records\": {\"type\": \"plate\"}}",
                "{\"username\": \"cam\", \"password\": \"" + secret + "\"}");
        String push = "/push/" + id;
        for (String login : new String[] {"cam:wrong", "cam:" + secret + "x", "other:" + secret, "cam:" + secret}) {
            String header = "Basic " + Base64.getEncoder().encodeToString(login.getBytes(StandardCharsets.UTF_8));
            calls.send("POST", push, "{\"plate\": 1}", "Authorization", header);
            calls.send("POST", push, "{\"id\": 1", "Authorization", header);
        }
        calls.send("POST", push, "{\"id\": 1}", "Authorization", "Basic " + secret);
    }

    private void misspelt(String secret) throws Exception {
        String head = "{\"name\": \"Misspelt\", \"connector\": ";
        String config = ", \"config\": {\"url\": \"" + at("/refused") + "\", \"records\": {}}, ";
        calls.send("POST", ALL, head + "\"fax\"" + config + "\"credentials\": {\"token\": \"" + secret + "\"}}");
        calls.send(
                "POST", ALL, head + "\"http-json\"" + config + "\"credentials\": {\"token\": [\"" + secret + "\"]}}");
        calls.send("POST", ALL, head + "\"http-json\"" + config + "\"credentials\": \"" + secret + "\"}");
        calls.send("POST", ALL, head + "\"http-json\"" + config + "\"credentials\": {\"token\": \"" + secret + "\"");
        calls.send(
                "POST",
                ALL,
                head + "\"http-json\"" + config + "\"interval_seconds\": 1, \"credentials\": {\"token\": \"" + secret
                        + "\"}}");
        String one =
                ALL + "/" + integration("http-json", "{\"url\": \"" + at("/refused") + "\", \"records\": {}}", "{}");
        calls.send("PUT", one + "/credentials", "{\"token\": \"" + secret + "\"");
        calls.send("PUT", one + "/credentials", "{\"token\": {\"is\": \"" + secret + "\"}}");
        calls.send("PUT", one + "/credentials", "{\"token\": \"" + secret + "\", \"tokn\": \"" + secret + "\"}");
        calls.send("PUT", one + "/credentials", "{\"token\": \"" + secret + "\\u0000\"}");
    }

    private String integration(String connector, String config, String credentials) throws Exception {
        String created = calls.send(
                "POST",
                ALL,
                "{\"name\": \"Canary\", \"connector\": \"" + connector + "\", \"config\": " + config
                        + ", \"credentials\": " + credentials + "}");
        return JSON.readTree(created).required("id").stringValue();
    }

    private void tried(String id) throws Exception {
        String one = ALL + "/" + id;
        String check = calls.send("POST", one + "/check", "");
        assertThat(JSON.readTree(check).has("error_class")).as(check).isTrue();
        String run = one + "/runs/"
                + JSON.readTree(calls.send("POST", one + "/runs", ""))
                        .required("id")
                        .stringValue();
        String status = "";
        long end = System.nanoTime() + 120_000_000_000L;
        while (!status.equals("failed") && !status.equals("retrying") && !status.equals("completed")) {
            assertThat(System.nanoTime()).isLessThan(end);
            Thread.onSpinWait();
            status =
                    JSON.readTree(calls.send("GET", run, "")).required("status").stringValue();
        }
        for (String shown : new String[] {run + "/log", one, one + "/issues", one + "/records"}) {
            calls.send("GET", shown, "");
        }
    }

    private String at(String path) {
        return "http://127.0.0.1:" + talkative.getAddress().getPort() + path;
    }

    @Override
    public void close() {
        talkative.stop(0);
    }
}
