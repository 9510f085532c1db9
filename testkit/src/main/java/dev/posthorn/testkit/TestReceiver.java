package dev.posthorn.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
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
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;

/** A real HTTP server on loopback that keeps what arrives and answers as it is told. Thread-safe. */
public final class TestReceiver implements AutoCloseable {
    private final HttpServer server;
    private final String scheme;
    private final List<Received> received = new ArrayList<>();
    private volatile Function<Received, Answer> script = request -> Answer.of(200);

    /**
     * A request that arrived.
     *
     * @param headers names are case-insensitive; of repeated ones the first
     * @param body its exact bytes
     * @param client distinguished name of the client's certificate; empty without mutual TLS
     */
    public record Received(String method, String path, Map<String, String> headers, byte[] body, String client) {
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

    private TestReceiver(HttpServer server, String scheme) {
        this.scheme = scheme;
        this.server = server;
    }

    /** Starts one on a free port; it answers 200 to everything until told otherwise. */
    public static TestReceiver start() {
        return start("127.0.0.1");
    }

    /** The same on another address of this machine. */
    public static TestReceiver start(String address) {
        try {
            return start(HttpServer.create(anyPort(InetAddress.getByName(address)), 1024), "http");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Starts one that speaks TLS.
     *
     * @param context who it is, and which clients it believes
     * @param clientCertificate whether it insists on one
     */
    public static TestReceiver start(SSLContext context, boolean clientCertificate) {
        try {
            HttpsServer server = HttpsServer.create(anyPort(InetAddress.getLoopbackAddress()), 1024);
            server.setHttpsConfigurator(new HttpsConfigurator(context) {
                @Override
                public void configure(HttpsParameters parameters) {
                    SSLParameters tls = context.getDefaultSSLParameters();
                    tls.setNeedClientAuth(clientCertificate);
                    parameters.setSSLParameters(tls);
                }
            });
            return start(server, "https");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static TestReceiver start(HttpServer server, String scheme) {
        TestReceiver receiver = new TestReceiver(server, scheme);
        server.createContext("/", receiver::handle);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.start();
        return receiver;
    }

    private static InetSocketAddress anyPort(InetAddress address) {
        return new InetSocketAddress(address, 0);
    }

    private static String client(HttpExchange exchange) {
        try {
            return exchange instanceof HttpsExchange tls
                    ? tls.getSSLSession().getPeerPrincipal().getName()
                    : "";
        } catch (SSLPeerUnverifiedException withoutCertificate) {
            return "";
        }
    }

    /** Says what to answer from now on. The script may block, to keep a request open. */
    public void answer(Function<Received, Answer> script) {
        this.script = script;
    }

    /** {@code http://127.0.0.1:<port><path>}, or another address, and {@code https} where it speaks TLS. */
    public String url(String path) {
        return scheme + "://" + server.getAddress().getAddress().getHostAddress() + ":" + port() + path;
    }

    /** Where it listens. */
    public int port() {
        return server.getAddress().getPort();
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
                    exchange.getRequestBody().readAllBytes(),
                    client(exchange));
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
