package dev.posthorn.testkit;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A proxy that knows CONNECT, and answers it as it is told. Whatever address it is given, it connects to this machine. */
public final class TestProxy implements AutoCloseable {
    private final ServerSocket server;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final List<List<String>> asked = new ArrayList<>();
    private volatile String unreachable = "";
    private volatile String answer = "HTTP/1.1 200 Connection established\r\n\r\n";

    /** Starts one on a free port. */
    public TestProxy() throws IOException {
        this(0);
    }

    /** Starts one. */
    public TestProxy(int port) throws IOException {
        server = new ServerSocket(port, 64, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (!server.isClosed()) {
                try {
                    Socket client = server.accept();
                    sockets.add(client);
                    Thread.ofVirtual().start(() -> serve(client));
                } catch (IOException closed) {
                    return;
                }
            }
        });
    }

    /** Says what is answered to CONNECT from now on; unless it begins with a 200, nothing follows. */
    public void answer(String head) {
        this.answer = head;
    }

    /** Says which address cannot be reached. */
    public void unreachable(String address) {
        this.unreachable = address;
    }

    /** Where it listens. */
    public int port() {
        return server.getLocalPort();
    }

    /** The lines of each CONNECT so far. */
    public List<List<String>> asked() {
        synchronized (asked) {
            return List.copyOf(asked);
        }
    }

    private void serve(Socket client) {
        try {
            List<String> head = head(client.getInputStream());
            synchronized (asked) {
                asked.add(head);
            }
            boolean dead = !unreachable.isEmpty() && head.get(0).contains(unreachable);
            String told = dead ? "HTTP/1.1 503 Service Unavailable\r\n\r\n" : answer;
            client.getOutputStream().write(told.getBytes(ISO_8859_1));
            if (!told.startsWith("HTTP/1.1 200")) {
                client.close();
                return;
            }
            String authority = head.get(0).split(" ", -1)[1];
            Socket target = new Socket(
                    InetAddress.getLoopbackAddress(),
                    Integer.parseInt(authority.substring(authority.lastIndexOf(':') + 1)));
            sockets.add(target);
            Thread.ofVirtual().start(() -> pump(target, client));
            pump(client, target);
        } catch (IOException ended) {
            // The client sees it.
        }
    }

    private static List<String> head(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("ended");
            }
            text.append((char) next);
        }
        return text.toString().strip().lines().toList();
    }

    private static void pump(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException ended) {
            // So it is over.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
