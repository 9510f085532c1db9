package dev.posthorn.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server on loopback that says byte for byte what a test wants, be it HTTP or not, to see how a client takes it. Each connection is served
 * on a thread of its own. Thread-safe.
 */
public final class RawServer implements AutoCloseable {
    private final ServerSocket listener;
    private final Script script;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger requests = new AtomicInteger();

    /** What is done with each connection; it is closed at its end, and also if it throws. */
    @FunctionalInterface
    public interface Script {
        /** Serves one connection. */
        void serve(Client client) throws IOException, InterruptedException;
    }

    /** A connection. For one thread. */
    public final class Client {
        private final Socket socket;
        private final InputStream in;

        private Client(Socket socket) throws IOException {
            this.socket = socket;
            in = new BufferedInputStream(socket.getInputStream());
        }

        /** For what is not offered here. */
        public Socket socket() {
            return socket;
        }

        /**
         * Reads one request with its body, which must have a {@code content-length}.
         *
         * @return its head as it came, with the empty line; empty if the connection ended instead
         */
        public String readRequest() throws IOException {
            ByteArrayOutputStream head = new ByteArrayOutputStream();
            while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
                int next = in.read();
                if (next < 0) {
                    return "";
                }
                head.write(next);
            }
            String text = head.toString(StandardCharsets.ISO_8859_1);
            in.skipNBytes(Long.parseLong(header(text, "content-length")));
            requests.incrementAndGet();
            return text;
        }

        /** Sends text, each character a byte. */
        public void write(String text) throws IOException {
            write(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        /** Sends bytes, at once as far as the client takes them. */
        public void write(byte[] bytes) throws IOException {
            socket.getOutputStream().write(bytes);
        }

        /** Reads and forgets until the client closes the connection or breaks it off. */
        public void awaitEnd() {
            try {
                in.transferTo(java.io.OutputStream.nullOutputStream());
            } catch (IOException brokenOff) {
                // An end, too.
            }
        }
    }

    private RawServer(ServerSocket listener, Script script) {
        this.listener = listener;
        this.script = script;
        Thread.ofPlatform().daemon().name("raw-server").start(this::accept);
    }

    /** Starts one on a free port of 127.0.0.1. */
    public static RawServer start(Script script) {
        return start(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), script);
    }

    /** Starts one. */
    public static RawServer start(InetSocketAddress address, Script script) {
        try {
            ServerSocket listener = new ServerSocket();
            // What is accepted inherits it: a small window, so that a server that does not read is soon full.
            listener.setReceiveBufferSize(16 * 1024);
            listener.bind(address, 1024);
            return new RawServer(listener, script);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The value of a header in a request's head; empty if it is missing. */
    public static String header(String head, String name) {
        return head.lines()
                .filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name.toLowerCase(Locale.ROOT) + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("");
    }

    /** The port it listens on. */
    public int port() {
        return listener.getLocalPort();
    }

    /** The URL of a path. */
    public String url(String path) {
        return "http://127.0.0.1:" + port() + path;
    }

    /** How many connections have come. */
    public int connections() {
        return connections.get();
    }

    /** How many requests have been read. */
    public int requests() {
        return requests.get();
    }

    /** How many connections the script has not done with. */
    public int open() {
        return open.size();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                socket.setTcpNoDelay(true);
                connections.incrementAndGet();
                open.add(socket);
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException closed) {
            // By close().
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            script.serve(new Client(socket));
        } catch (IOException gone) {
            // The client does not have to wait for the end.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(socket);
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
            for (Socket socket : open) {
                socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
