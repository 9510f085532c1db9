package dev.posthorn.benchmarks.receiver;

import dev.posthorn.testkit.RawServer;
import dev.posthorn.testkit.RawServer.Client;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** Receivers that never come to an end, each in its way, a healthy one, and a name service that never answers. */
public final class SlowReceivers implements AutoCloseable {
    private final List<RawServer> servers = new ArrayList<>();
    private final Map<String, String> slow = new LinkedHashMap<>();
    private final String healthy;
    private final CountDownLatch closed = new CountDownLatch(1);

    private SlowReceivers() {
        healthy = server(client -> {
            while (!client.readRequest().isEmpty()) {
                client.write("HTTP/1.1 204 None\r\n\r\n");
            }
        });
        slow.put("silence", server(Client::awaitEnd));
        slow.put("dripping_headers", server(client -> {
            client.readRequest();
            client.write("HTTP/1.1 200 OK\r\nx: ");
            drip(client);
        }));
        slow.put("dripping_body", server(client -> {
            client.readRequest();
            client.write("HTTP/1.1 500 No\r\ncontent-length: 1000000\r\n\r\n");
            drip(client);
        }));
        slow.put(
                "slow_handshake",
                server(client -> {
                            client.write("\u0016\u0003\u0003@\u0000\u0002\u0000?\u00fc");
                            drip(client);
                        })
                        .replace("http:", "https:"));
        slow.put("shut_window", server(client -> closed.await()));
        slow.put("silent_name_service", "https://silent.example.com/");
    }

    /** Starts them. */
    public static SlowReceivers start() {
        return new SlowReceivers();
    }

    /** The URL of one that answers at once. */
    public String healthy() {
        return healthy;
    }

    /** By what makes it slow, the URL of each. */
    public Map<String, String> slow() {
        return slow;
    }

    /** Waits until these are closed. */
    public void silentNameService() {
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String server(RawServer.Script script) {
        RawServer server = RawServer.start(script);
        servers.add(server);
        return server.url("/");
    }

    private static void drip(Client client) throws IOException, InterruptedException {
        while (true) {
            client.write("y");
            Thread.sleep(100);
        }
    }

    @Override
    public void close() {
        closed.countDown();
        servers.forEach(RawServer::close);
    }
}
