package dev.posthorn.server.demo;

import com.standardwebhooks.Webhook;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * The receiver of the demo: verifies each delivery with the library that the authors of Standard Webhooks publish, an implementation
 * that shares no code with ours, and answers 503 to the first attempt of one type. Thread-safe.
 */
public final class DemoReceiver implements AutoCloseable {
    private final HttpServer server;
    private final Set<String> verified = new LinkedHashSet<>();
    private int refused;
    private String failsFirst = "";
    private @Nullable Webhook verifier;

    private DemoReceiver(HttpServer server) {
        this.server = server;
    }

    /** Starts one on a free port of 127.0.0.1. */
    public static DemoReceiver start() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 128);
        DemoReceiver receiver = new DemoReceiver(server);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", receiver::handle);
        server.start();
        return receiver;
    }

    /** Its port. */
    public int port() {
        return server.getAddress().getPort();
    }

    synchronized void expect(String secret, String typeThatFailsFirst) {
        try {
            verifier = new Webhook(secret);
        } catch (com.standardwebhooks.exceptions.EmptyWebhookSecretException e) {
            throw new IllegalArgumentException("the endpoint's secret is empty", e);
        }
        failsFirst = typeThatFailsFirst;
    }

    /** Waits until so many different events have been verified; returns those that were. */
    synchronized Set<String> await(int events, Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        while (verified.size() < events) {
            long millis = (end - System.nanoTime()) / 1_000_000;
            if (millis <= 0) {
                break;
            }
            wait(millis);
        }
        return Set.copyOf(verified);
    }

    /** How many requests had a signature that does not fit. */
    synchronized int refused() {
        return refused;
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(judge(exchange, body), -1);
        }
    }

    private synchronized int judge(HttpExchange exchange, String body) {
        var headers = exchange.getRequestHeaders();
        String id = headers.getFirst("webhook-id");
        boolean genuine = verifier != null && isGenuine(verifier, exchange, body);
        if (!genuine || id == null) {
            refused++;
            return 401;
        }
        if (body.contains("\"type\":\"" + failsFirst + "\"") && "1".equals(headers.getFirst("posthorn-attempt"))) {
            return 503;
        }
        verified.add(id);
        notifyAll();
        return 204;
    }

    private static boolean isGenuine(Webhook verifier, HttpExchange exchange, String body) {
        var headers = exchange.getRequestHeaders();
        try {
            verifier.verify(
                    body,
                    HttpHeaders.of(
                            Map.of(
                                    "webhook-id", List.of(String.valueOf(headers.getFirst("webhook-id"))),
                                    "webhook-timestamp", List.of(String.valueOf(headers.getFirst("webhook-timestamp"))),
                                    "webhook-signature",
                                            List.of(String.valueOf(headers.getFirst("webhook-signature")))),
                            (name, value) -> true));
            return true;
        } catch (com.standardwebhooks.exceptions.WebhookVerificationException e) {
            return false;
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
