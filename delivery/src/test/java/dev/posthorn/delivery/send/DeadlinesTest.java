package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.testkit.RawServer;
import dev.posthorn.testkit.RawServer.Client;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever is slow, and wherever: an attempt ends at its deadline. */
@Timeout(60)
class DeadlinesTest {
    private static final int SECONDS = 1;

    private static void endsAtItsDeadline(RequestSender sender, String url, byte[] body, String told)
            throws InterruptedException {
        long begun = System.nanoTime();
        String outcome = Sending.told(sender.send(Sending.request(url, SECONDS, "1", body, 1)));
        long millis = (System.nanoTime() - begun) / 1_000_000;
        assertThat(outcome).startsWith(told);
        assertThat(millis).isBetween(SECONDS * 1000L - 50, SECONDS * 1000L + 5000);
    }

    private static void endsAtItsDeadline(RawServer.Script script, String told) throws InterruptedException {
        try (RawServer server = RawServer.start(script);
                RequestSender sender = Sending.sender()) {
            endsAtItsDeadline(sender, server.url("/"), new byte[] {'{', '}'}, told);
            awaitNone(server);
        }
    }

    /** Waits until the server sees its connections closed; the test's time limit ends it. */
    private static void awaitNone(RawServer server) throws InterruptedException {
        while (server.open() > 0) {
            TimeUnit.MILLISECONDS.sleep(10);
        }
    }

    /** A byte now and then, for as long as somebody listens. */
    private static void drip(Client client, String text) throws IOException, InterruptedException {
        while (true) {
            client.write(text);
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    @Test
    void silence() throws Exception {
        endsAtItsDeadline(Client::awaitEnd, "timeout: ");
    }

    /**
     * The sender is told of the deadline before its connection is reset, which its selector's thread does; on a busy machine that takes a
     * while, in which the server must not read. What is not taken back waits for ever.
     */
    @Test
    void what_was_given_up_does_not_arrive_afterwards() throws Exception {
        for (int millis : new int[] {10, 1_000, 10_000}) {
            if (readAfterItWasGivenUp(millis).equals("broken off")) {
                return;
            }
        }
        fail("the whole request could be read ten seconds after it was given up");
    }

    private static String readAfterItWasGivenUp(int millis) throws Exception {
        CountDownLatch givenUp = new CountDownLatch(1);
        CompletableFuture<String> read = new CompletableFuture<>();
        // More than the window of the server, less than the client's buffers: the client has written all of it.
        byte[] body = new byte[60_000];
        try (RawServer server = RawServer.start(client -> {
                    givenUp.await();
                    TimeUnit.MILLISECONDS.sleep(millis);
                    try {
                        client.readRequest();
                        read.complete("the whole request");
                    } catch (IOException reset) {
                        read.complete("broken off");
                    }
                });
                RequestSender sender = Sending.sender()) {
            endsAtItsDeadline(sender, server.url("/"), body, "timeout: ");
            givenUp.countDown();
            return read.get();
        }
    }

    @Test
    void a_status_line_that_drips() throws Exception {
        endsAtItsDeadline(
                client -> {
                    client.readRequest();
                    client.write("HTTP/1.1 200 ");
                    drip(client, "O");
                },
                "timeout: ");
    }

    @Test
    void headers_that_drip() throws Exception {
        endsAtItsDeadline(
                client -> {
                    client.readRequest();
                    client.write("HTTP/1.1 200 OK\r\nx: ");
                    drip(client, "y");
                },
                "timeout: ");
    }

    @Test
    void an_interim_response_that_drips() throws Exception {
        endsAtItsDeadline(
                client -> {
                    client.readRequest();
                    client.write("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\nx: ");
                    drip(client, "y");
                },
                "timeout: ");
    }

    @Test
    void a_body_that_drips_delays_no_longer_than_the_deadline_and_the_answer_counts() throws Exception {
        endsAtItsDeadline(
                client -> {
                    client.readRequest();
                    client.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
                    drip(client, "y");
                },
                "answered 200");
        endsAtItsDeadline(
                client -> {
                    client.readRequest();
                    client.write("HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n");
                    drip(client, "1\r\ny\r\n");
                },
                "answered 503");
    }

    @Test
    void a_window_that_stays_shut() throws Exception {
        byte[] body = new byte[8 << 20];
        try (RawServer server = RawServer.start(client -> Thread.sleep(30_000));
                RequestSender sender = Sending.sender()) {
            endsAtItsDeadline(sender, server.url("/"), body, "timeout: ");
        }
        // An answer to what was not read is none, if it says that all is well; if it does not, it counts.
        try (RawServer server = RawServer.start(client -> {
                    client.socket().getInputStream().read();
                    TimeUnit.MILLISECONDS.sleep(200);
                    client.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    Thread.sleep(30_000);
                });
                RequestSender sender = Sending.sender()) {
            endsAtItsDeadline(
                    sender, server.url("/"), body, "response: the answer came before the whole request was sent");
        }
        try (RawServer server = RawServer.start(client -> {
                    client.socket().getInputStream().read();
                    TimeUnit.MILLISECONDS.sleep(200);
                    client.write("HTTP/1.1 413 Too large\r\ncontent-length: 0\r\n\r\n");
                    Thread.sleep(30_000);
                });
                RequestSender sender = Sending.sender()) {
            endsAtItsDeadline(sender, server.url("/"), body, "answered 413");
        }
    }

    @Test
    void a_tls_handshake_that_says_nothing_or_drips() throws Exception {
        // The beginning of a TLS record of 16 KiB, whose rest comes byte by byte.
        for (RawServer.Script script : List.<RawServer.Script>of(Client::awaitEnd, client -> {
            client.write("\u0016\u0003\u0003@\u0000\u0002\u0000?\u00fc");
            drip(client, "\u0000");
        })) {
            try (RawServer server = RawServer.start(script);
                    RequestSender sender = Sending.sender()) {
                endsAtItsDeadline(
                        sender, server.url("/").replace("http:", "https:"), new byte[] {'{', '}'}, "timeout: ");
            }
        }
    }

    @Test
    void a_port_that_accepts_nobody() throws Exception {
        try (ServerSocket full = new ServerSocket()) {
            full.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
            List<Socket> waiting = new ArrayList<>();
            try (RequestSender sender = Sending.sender()) {
                // With its queue full, the system ignores whoever knocks.
                for (int i = 0; i < 4; i++) {
                    Socket socket = new Socket();
                    waiting.add(socket);
                    Thread.startVirtualThread(() -> {
                        try {
                            socket.connect(full.getLocalSocketAddress());
                        } catch (IOException closed) {
                            // At the end of the test.
                        }
                    });
                }
                TimeUnit.MILLISECONDS.sleep(200);
                endsAtItsDeadline(
                        sender, "http://127.0.0.1:" + full.getLocalPort() + "/", new byte[] {'{', '}'}, "timeout: ");
            } finally {
                for (Socket socket : waiting) {
                    socket.close();
                }
            }
        }
    }

    @Test
    void a_name_service_that_says_nothing() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        HostResolver silent = name -> {
            try {
                never.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return List.of();
        };
        try (RequestSender sender = new RequestSender(AddressPolicy.PUBLIC_ONLY, silent, new OwnSide(null))) {
            endsAtItsDeadline(sender, "https://hooks.example.com/", new byte[] {'{', '}'}, "timeout: ");
        }
        never.countDown();
    }
}
