package dev.posthorn.benchmarks.faults.stage;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Sabotage: the client that reuses a connection with unread bytes. Stands between nodes and receivers and takes, for each request, the
 * next answer that it finds on the connection, which may be one that the receiver gave too many to an earlier request.
 */
final class LeftoversForwarder implements AutoCloseable {
    private final InetSocketAddress target;
    private final ServerSocket server;

    LeftoversForwarder(InetSocketAddress target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        Thread.ofPlatform().daemon().name("leftovers").start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> exchange(client));
            } catch (IOException closed) {
                // Looked at above.
            }
        }
    }

    private void exchange(Socket client) {
        try (client;
                Socket upstream = new Socket()) {
            upstream.connect(target, 5_000);
            InputStream requests = new BufferedInputStream(client.getInputStream());
            InputStream answers = new BufferedInputStream(upstream.getInputStream());
            for (byte[] request = message(requests); request.length > 0; request = message(requests)) {
                upstream.getOutputStream().write(request);
                client.getOutputStream().write(message(answers));
            }
        } catch (IOException e) {
            // One of the two has gone.
        }
    }

    /** One message with its body; empty at the end. */
    private static byte[] message(InputStream in) throws IOException {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        int length = 0;
        while (true) {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int read = in.read();
            for (; read >= 0 && read != '\n'; read = in.read()) {
                line.write(read);
            }
            if (read < 0) {
                return new byte[0];
            }
            line.write('\n');
            line.writeTo(message);
            String text = line.toString(StandardCharsets.ISO_8859_1).strip().toLowerCase(Locale.ROOT);
            if (text.startsWith("content-length:")) {
                length = Integer.parseInt(text.substring(15).strip());
            }
            if (text.isEmpty()) {
                message.write(in.readNBytes(length));
                return message.toByteArray();
            }
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
