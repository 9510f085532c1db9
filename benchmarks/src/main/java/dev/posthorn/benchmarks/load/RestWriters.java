package dev.posthorn.benchmarks.load;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Clients of the REST API, each with a kept-alive connection, that post one body after the other. They know just enough HTTP/1.1 to be
 * cheap: on two cores a client of a library takes from the server what it is to measure. Thread-safe.
 */
public final class RestWriters {
    private final URI server;
    private final byte[] single;
    private final byte[] batch;
    private final int batchSize;
    private final AtomicLong refused = new AtomicLong();

    /**
     * @param server address of the server, without a path
     * @param key an API key with the scope {@code events:write}
     * @param community as the path takes it
     * @param batchSize events of one batch
     */
    public RestWriters(URI server, String key, String community, int batchSize) {
        this.server = server;
        this.batchSize = batchSize;
        String event = "{\"event_type\":\"bench.1\",\"payload\":" + Payloads.numbered(1000) + "}";
        String path = "/v1/communities/" + community + "/events";
        single = request(path, key, event);
        batch = request(path + "/batch", key, "{\"events\":[" + (event + ",").repeat(batchSize - 1) + event + "]}");
    }

    private byte[] request(String path, String key, String body) {
        return ("POST " + path + " HTTP/1.1\r\nHost: " + server.getAuthority() + "\r\nAuthorization: Bearer " + key
                        + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** How many events were answered 503 so far. */
    public long refused() {
        return refused.get();
    }

    /** Single events on so many connections; returns how many were acknowledged. */
    public long single(int connections, Duration duration) throws InterruptedException {
        return post(single, 1, connections, duration);
    }

    /** Batches on so many connections; returns how many events were acknowledged. */
    public long batches(int connections, Duration duration) throws InterruptedException {
        return post(batch, batchSize, connections, duration);
    }

    private long post(byte[] request, int events, int connections, Duration duration) throws InterruptedException {
        AtomicLong acknowledged = new AtomicLong();
        long end = System.nanoTime() + duration.toNanos();
        Callable<Boolean> client = () -> {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getPort())) {
                socket.setTcpNoDelay(true);
                InputStream in = new BufferedInputStream(socket.getInputStream());
                while (System.nanoTime() < end) {
                    socket.getOutputStream().write(request);
                    if (isAccepted(in)) {
                        acknowledged.addAndGet(events);
                    } else {
                        refused.addAndGet(events);
                    }
                }
            }
            return true;
        };
        List<Callable<Boolean>> clients = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            clients.add(client);
        }
        Writers.allOf(clients);
        return acknowledged.get();
    }

    /** Reads an answer; false if the server was too busy to take it. */
    private static boolean isAccepted(InputStream in) throws IOException {
        String status = line(in);
        int length = 0;
        boolean chunked = false;
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            String lowerCase = header.toLowerCase(Locale.ROOT);
            if (lowerCase.startsWith("content-length:")) {
                length = Integer.parseInt(
                        header.substring("content-length:".length()).strip());
            }
            chunked |= lowerCase.equals("transfer-encoding: chunked");
        }
        byte[] body = chunked ? chunks(in) : in.readNBytes(length);
        if (status.startsWith("HTTP/1.1 503")) {
            return false;
        }
        // A batch is answered 202 also when some of its events were refused.
        if (!status.startsWith("HTTP/1.1 202") || new String(body, StandardCharsets.UTF_8).contains("\"error\"")) {
            throw new IOException(status + " " + new String(body, StandardCharsets.UTF_8));
        }
        return true;
    }

    private static byte[] chunks(InputStream in) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (int size = Integer.parseInt(line(in), 16); size > 0; size = Integer.parseInt(line(in), 16)) {
            body.write(in.readNBytes(size));
            line(in);
        }
        line(in);
        return body.toByteArray();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new IOException("the server closed the connection");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }
}
