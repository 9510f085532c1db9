package dev.posthorn.delivery.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.testkit.RawServer;
import java.io.ByteArrayOutputStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Answers without an end: read up to a limit, then the connection is closed; and little is kept of them. */
@Timeout(120)
class FloodsTest {
    private static final String OK = "HTTP/1.1 200 OK\r\n";
    private static final String CHUNKED = OK + "transfer-encoding: chunked\r\n\r\n";

    /** What is sent once, what is repeated without an end, and what is made of it. */
    private record Flood(String begin, String repeated, String told) {}

    private static Map<String, Flood> floods() {
        Map<String, Flood> floods = new LinkedHashMap<>();
        floods.put("body", new Flood(OK + "content-length: 9999999999\r\n\r\n", "y".repeat(1000), "answered 200"));
        floods.put("body until the end", new Flood(OK + "\r\n", "y".repeat(1000), "answered 200"));
        floods.put("chunks", new Flood(CHUNKED, "3e8\r\n" + "y".repeat(1000) + "\r\n", "answered 200"));
        floods.put("tiny chunks", new Flood(CHUNKED, "1\r\ny\r\n".repeat(100), "answered 200"));
        floods.put("chunk extension", new Flood(CHUNKED + "1;x=", "y".repeat(1000), "answered 200"));
        floods.put("chunk extensions", new Flood(CHUNKED, "1;x=" + "y".repeat(1000) + "\r\ny\r\n", "answered 200"));
        floods.put("chunk size", new Flood(CHUNKED, "0".repeat(1000), "answered 200"));
        floods.put("trailers", new Flood(CHUNKED + "0\r\n", "x: y\r\n", "answered 200"));
        floods.put("failure with a body", new Flood("HTTP/1.1 500 No\r\n\r\n", "y".repeat(1000), "answered 500"));
        floods.put("status line", new Flood("HTTP/1.1 200 ", "O".repeat(1000), "response: "));
        floods.put("header", new Flood(OK + "x: ", "y".repeat(1000), "response: "));
        floods.put("header name", new Flood(OK, "y".repeat(1000), "response: "));
        floods.put("headers", new Flood(OK, "a:\r\n".repeat(100), "response: "));
        floods.put("empty lines", new Flood("", "\r\n".repeat(100), "response: "));
        floods.put("interim responses", new Flood("", "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n", "response: "));
        floods.put("interim headers", new Flood("HTTP/1.1 103 Early Hints\r\n", "x: y\r\n".repeat(100), "response: "));
        return floods;
    }

    @Test
    void an_answer_without_an_end_is_left_when_enough_is_known() throws Exception {
        for (Map.Entry<String, Flood> each : floods().entrySet()) {
            Flood flood = each.getValue();
            AtomicLong written = new AtomicLong();
            try (RawServer server = RawServer.start(client -> {
                        client.readRequest();
                        client.write(flood.begin);
                        byte[] repeated = flood.repeated.getBytes(StandardCharsets.ISO_8859_1);
                        while (true) {
                            client.write(repeated);
                            written.addAndGet(repeated.length);
                        }
                    });
                    RequestSender sender = Sending.sender()) {
                AttemptOutcome outcome = sender.send(Sending.request(server.url("/"), 30));
                // Whose end of the connection is closed first decides what is seen of it.
                if (!flood.told.equals("response: ") || !Sending.told(outcome).startsWith("io: ")) {
                    assertThat(Sending.told(outcome)).as(each.getKey()).startsWith(flood.told);
                }
                if (outcome instanceof AttemptOutcome.Answered answered) {
                    assertThat(answered.excerpt().length()).as(each.getKey()).isLessThanOrEqualTo(4096);
                }
                while (server.open() > 0) {
                    TimeUnit.MILLISECONDS.sleep(5);
                }
                // What we read, and what the two systems' socket buffers took.
                assertThat(written.get()).as(each.getKey()).isLessThan(16 << 20);
            }
        }
    }

    @Test
    void nothing_is_decoded() throws Exception {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bomb)) {
            gzip.write(new byte[32 << 20]);
        }
        byte[] bytes = bomb.toByteArray();
        try (RawServer server = RawServer.start(client -> {
                    while (!client.readRequest().isEmpty()) {
                        client.write(OK + "content-encoding: gzip\r\ncontent-length: " + bytes.length + "\r\n\r\n");
                        client.write(bytes);
                    }
                });
                RequestSender sender = Sending.sender()) {
            AttemptOutcome outcome = sender.send(Sending.request(server.url("/"), 30));
            assertThat(outcome).isInstanceOfSatisfying(AttemptOutcome.Answered.class, answered -> {
                assertThat(answered.statusCode()).isEqualTo(200);
                String raw = new String(bytes, 0, 4096, StandardCharsets.UTF_8).replace("\0", "");
                assertThat(answered.excerpt()).isEqualTo(raw);
            });
        }
    }

    /** Five hundred at once, each as far as it may go, and then silence: what they hold together, server included, by all that the JVM counts. */
    @Test
    void an_attempt_holds_at_most_128_kib() throws Exception {
        int attempts = 500;
        StringBuilder headers = new StringBuilder(OK);
        for (int i = 0; i < 120; i++) {
            headers.append("x").append(i).append(": ").append("y".repeat(255)).append("\r\n");
        }
        Map<String, String> answers = new LinkedHashMap<>();
        answers.put("headers", headers.toString());
        answers.put("headers and body", headers + "content-length: 99999\r\n\r\n" + "y".repeat(64_000));
        answers.put("body", OK + "content-length: 99999\r\n\r\n" + "y".repeat(65_000));
        answers.put("chunk extension", CHUNKED + "1;x=" + "y".repeat(32_000));
        answers.put("trailers", CHUNKED + "0\r\n" + "x: y\r\n".repeat(5_000));
        answers.put("interim", "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(8) + headers);
        for (Map.Entry<String, String> each : answers.entrySet()) {
            byte[] answer = each.getValue().getBytes(StandardCharsets.ISO_8859_1);
            CountDownLatch answered = new CountDownLatch(attempts);
            RawServer server = RawServer.start(client -> {
                client.readRequest();
                client.write(answer);
                answered.countDown();
                client.awaitEnd();
            });
            try (RequestSender sender = Sending.sender()) {
                long before = held();
                List<Thread> threads = new ArrayList<>();
                List<AttemptOutcome> outcomes = java.util.Collections.synchronizedList(new ArrayList<>());
                for (int i = 0; i < attempts; i++) {
                    threads.add(Thread.ofVirtual().start(() -> {
                        try {
                            outcomes.add(sender.send(Sending.request(server.url("/"), 30)));
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }));
                }
                answered.await();
                long each128 = (held() - before) / attempts;
                assertThat(outcomes).as(each.getKey()).isEmpty();
                System.out.println("an attempt holds " + each128 / 1024 + " KiB: " + each.getKey());
                assertThat(each128).as(each.getKey()).isLessThanOrEqualTo(128 * 1024);
                server.close();
                for (Thread thread : threads) {
                    thread.join();
                }
            } finally {
                server.close();
            }
        }
    }

    /** What is held once nothing moves any more: until then some are still reading. */
    private static long held() throws InterruptedException {
        long before = heldNow();
        for (int i = 0; i < 40; i++) {
            TimeUnit.MILLISECONDS.sleep(250);
            long now = heldNow();
            if (Math.abs(now - before) < 500 * 1024) {
                return now;
            }
            before = now;
        }
        return before;
    }

    /** Heap after collections, and memory beside the heap in buffers. */
    private static long heldNow() {
        System.gc();
        System.gc();
        long buffers = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() + buffers;
    }
}
