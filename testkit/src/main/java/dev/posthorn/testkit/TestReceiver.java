package dev.posthorn.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A real HTTP server on loopback that keeps what arrives and answers as it is told. Thread-safe. */
public final class TestReceiver implements AutoCloseable {
    private final HttpServer server;
    private final List<Received> received = new ArrayList<>();
    private volatile Function<Received, Answer> script = request -> Answer.of(200);

    /**
     * A request that arrived.
     *
     * @param headers names are case-insensitive; of repeated ones the first
     * @param body its exact bytes
     */
    public record Received(String method, String path, Map<String, String> headers, byte[] body) {
        /** The value of a header; empty where it is missing. */
        public String header(String name) {
            return headers.getOrDefault(name, "");
        }
    }

    /**
     * What to answer.
     *
     * @param headers sent besides the usual ones
     */
    public record Answer(int status, Map<String, String> headers, byte[] body) {
        /** A status and nothing else. */
        public static Answer of(int status) {
            return new Answer(status, Map.of(), new byte[0]);
        }
    }

    private TestReceiver(HttpServer server) {
        this.server = server;
    }

    /** Starts one on a free port; it answers 200 to everything until told otherwise. */
    public static TestReceiver start() {
        return start("127.0.0.1");
    }

    /** The same on another address of this machine. */
    public static TestReceiver start(String address) {
        try {
            HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName(address), 0), 1024);
            TestReceiver receiver = new TestReceiver(server);
            server.createContext("/", receiver::handle);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.start();
            return receiver;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Says what to answer from now on. The script may block, to keep a request open. */
    public void answer(Function<Received, Answer> script) {
        this.script = script;
    }

    /** {@code http://127.0.0.1:<port><path>}. */
    public String url(String path) {
        return "http://" + server.getAddress().getAddress().getHostAddress() + ":"
                + server.getAddress().getPort() + path;
    }

    /** All that has arrived so far. */
    public List<Received> received() {
        synchronized (received) {
            return List.copyOf(received);
        }
    }

    /**
     * Waits until so many requests have arrived.
     *
     * @throws AssertionError if they do not within the time
     */
    public List<Received> await(int requests, Duration within) {
        long end = System.nanoTime() + within.toNanos();
        synchronized (received) {
            while (received.size() < requests) {
                long millis = (end - System.nanoTime()) / 1_000_000;
                if (millis <= 0) {
                    throw new AssertionError(
                            "only " + received.size() + " of " + requests + " requests arrived within " + within);
                }
                try {
                    received.wait(millis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new AssertionError("interrupted", e);
                }
            }
            return List.copyOf(received);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.get(0)));
            Received request = new Received(
                    exchange.getRequestMethod(),
                    exchange.getRequestURI().toString(),
                    headers,
                    exchange.getRequestBody().readAllBytes());
            synchronized (received) {
                received.add(request);
                received.notifyAll();
            }
            Answer answer = script.apply(request);
            answer.headers().forEach(exchange.getResponseHeaders()::set);
            exchange.sendResponseHeaders(answer.status(), answer.body().length == 0 ? -1 : answer.body().length);
            exchange.getResponseBody().write(answer.body());
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
