package dev.posthorn.vault.hashicorp;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Speaks as much of OpenBao's HTTP API as the store uses, as its API documentation (KV version 2, AppRole) tells it: status codes, error
 * texts, versions, check-and-set, soft deletion. It is an imitation; no real OpenBao or Vault was run.
 */
final class KvServer implements AutoCloseable {
    static final String TOKEN = "s.root";

    final List<String> tokens = new CopyOnWriteArrayList<>(List.of(TOKEN));
    final Map<String, String> roles = new ConcurrentHashMap<>();
    final AtomicInteger logins = new AtomicInteger();
    final Map<String, List<JsonObject>> secrets = new ConcurrentHashMap<>();
    final List<String> namespaces = new CopyOnWriteArrayList<>();
    /** An answer to everything: its status, and its body. */
    volatile Map.@Nullable Entry<Integer, String> always;

    private final HttpServer server;
    private final String scheme;

    KvServer(@Nullable SSLContext tls) throws IOException {
        InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        if (tls == null) {
            server = HttpServer.create(any, 0);
            scheme = "http";
        } else {
            HttpsServer secure = HttpsServer.create(any, 0);
            secure.setHttpsConfigurator(new HttpsConfigurator(tls));
            server = secure;
            scheme = "https";
        }
        server.createContext("/", this::handle);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
    }

    URI address() {
        return URI.create(scheme + "://127.0.0.1:" + server.getAddress().getPort());
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String namespace = exchange.getRequestHeaders().getFirst("X-Vault-Namespace");
        if (namespace != null) {
            namespaces.add(namespace);
        }
        Map.@Nullable Entry<Integer, String> fixed = always;
        if (fixed != null) {
            answer(exchange, fixed.getKey(), fixed.getValue());
            return;
        }
        String path = exchange.getRequestURI().getPath();
        if (path.equals("/v1/auth/approle/login")) {
            logIn(exchange, JsonParser.parseString(body).getAsJsonObject());
            return;
        }
        if (!tokens.contains(String.valueOf(exchange.getRequestHeaders().getFirst("X-Vault-Token")))) {
            answer(exchange, 403, "{\"errors\":[\"permission denied\"]}");
        } else if (path.startsWith("/v1/secret/data/")) {
            data(exchange, path.substring("/v1/secret/data/".length()), body);
        } else if (path.startsWith("/v1/secret/metadata/")) {
            metadata(exchange, path.substring("/v1/secret/metadata/".length()));
        } else {
            answer(exchange, 404, "{\"errors\":[\"no handler for route\"]}");
        }
    }

    private void logIn(HttpExchange exchange, JsonObject body) throws IOException {
        String secretId = roles.get(body.get("role_id").getAsString());
        if (secretId == null || !secretId.equals(body.get("secret_id").getAsString())) {
            answer(exchange, 400, "{\"errors\":[\"invalid role or secret ID\"]}");
            return;
        }
        String token = "s.login" + logins.incrementAndGet();
        tokens.add(token);
        answer(
                exchange,
                200,
                "{\"auth\":{\"client_token\":\"" + token + "\",\"lease_duration\":3600,\"renewable\":true}}");
    }

    private synchronized void data(HttpExchange exchange, String path, String body) throws IOException {
        List<JsonObject> versions = secrets.computeIfAbsent(path, key -> new ArrayList<>());
        if (exchange.getRequestMethod().equals("POST")) {
            JsonObject request = JsonParser.parseString(body).getAsJsonObject();
            if (request.getAsJsonObject("options").get("cas").getAsInt() != versions.size()) {
                answer(exchange, 400, "{\"errors\":[\"check-and-set parameter did not match the current version\"]}");
                return;
            }
            versions.add(request.getAsJsonObject("data"));
            answer(exchange, 200, "{\"data\":" + described(versions.size()) + "}");
            return;
        }
        String query = exchange.getRequestURI().getQuery();
        int wanted = query == null ? versions.size() : Integer.parseInt(query.substring("version=".length()));
        if (wanted < 1 || wanted > versions.size()) {
            answer(exchange, 404, "{\"errors\":[]}");
            return;
        }
        JsonObject value = versions.get(wanted - 1);
        answer(
                exchange,
                value.isEmpty() ? 404 : 200,
                "{\"data\":{\"data\":" + (value.isEmpty() ? "null" : value) + ",\"metadata\":" + described(wanted)
                        + "}}");
    }

    private static String described(int version) {
        return "{\"created_time\":\"" + Instant.now() + "\",\"deletion_time\":\"\",\"destroyed\":false,\"version\":"
                + version + "}";
    }

    private synchronized void metadata(HttpExchange exchange, String path) throws IOException {
        if (exchange.getRequestMethod().equals("DELETE")) {
            secrets.remove(path);
            answer(exchange, 204, "");
            return;
        }
        List<JsonObject> versions = secrets.getOrDefault(path, List.of());
        if (versions.isEmpty()) {
            answer(exchange, 404, "{\"errors\":[]}");
        } else {
            answer(
                    exchange,
                    200,
                    "{\"data\":{\"current_version\":" + versions.size() + ",\"updated_time\":\"" + Instant.now()
                            + "\"}}");
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        if (status == 307) {
            exchange.getResponseHeaders().add("Location", "http://127.0.0.1:1/");
        }
        exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
