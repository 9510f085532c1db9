package dev.posthorn.benchmarks.receiver;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * One connection: takes requests out of the bytes as they come and answers each. The path says what to answer: {@code /black-hole…}
 * nothing, ever; {@code /slow…} 200 after 100 ms; {@code /fail-fifth…} 500 to each fifth delivery at its first attempt; {@code /fail…}
 * 500; {@code /log} everything that was logged, which is then forgotten; {@code /count} how many were logged since the beginning; all
 * else 200. Black holes and slow ones are company for others and not logged. For one thread.
 */
final class ReceiverConnection implements Comparable<ReceiverConnection> {
    /** What one read may bring: a record of TLS. */
    private static final int ROOM = 17 * 1024;

    private static final long SLOW_NANOS = 100_000_000;

    private static final byte[] OK = ascii("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    private static final byte[] FAILED = ascii("HTTP/1.1 500 Failed\r\ncontent-length: 0\r\n\r\n");
    private static final byte[] DELIVERY = ascii("posthorn-delivery-id:");
    private static final byte[] ATTEMPT = ascii("posthorn-attempt:");
    private static final byte[] EVENT = ascii("webhook-id:");
    private static final byte[] LENGTH = ascii("content-length:");

    private final ReceiverTransport transport;
    private final ReceiverLog log;
    private final Consumer<ReceiverConnection> later;
    private ByteBuffer bytes = ByteBuffer.allocate(2 * ROOM);
    private long answerAt;

    /** @param later takes the connection when its answer has to wait */
    ReceiverConnection(ReceiverTransport transport, ReceiverLog log, Consumer<ReceiverConnection> later) {
        this.transport = transport;
        this.log = log;
        this.later = later;
    }

    /** Reads what is there; returns false when the other side has closed. */
    boolean read() throws IOException {
        if (bytes.remaining() < ROOM) {
            bytes.flip();
            bytes = ByteBuffer.allocate(bytes.capacity() * 2).put(bytes);
        }
        if (!transport.read(bytes)) {
            return false;
        }
        while (takeRequest()) {
            // The next one may have come with it.
        }
        return true;
    }

    private boolean takeRequest() throws IOException {
        byte[] array = bytes.array();
        int end = bytes.position();
        int headersEnd = headersEnd(array, end);
        if (headersEnd < 0) {
            return false;
        }
        int length = 0;
        int attempt = 1;
        long deliveryHigh = 0;
        long deliveryLow = 0;
        long eventHigh = 0;
        long eventLow = 0;
        int line = lineEnd(array, 0) + 2;
        while (line < headersEnd - 2) {
            int next = lineEnd(array, line);
            if (startsWith(array, line, DELIVERY)) {
                int at = line + DELIVERY.length + 1;
                deliveryHigh = half(array, at, true);
                deliveryLow = half(array, at, false);
            } else if (startsWith(array, line, EVENT)) {
                int at = line + EVENT.length + 1;
                eventHigh = half(array, at, true);
                eventLow = half(array, at, false);
            } else if (startsWith(array, line, LENGTH)) {
                length = number(array, line + LENGTH.length, next);
            } else if (startsWith(array, line, ATTEMPT)) {
                attempt = number(array, line + ATTEMPT.length, next);
            }
            line = next + 2;
        }
        if (end < headersEnd + length) {
            return false;
        }
        String request = new String(array, 0, Math.min(40, lineEnd(array, 0)), StandardCharsets.US_ASCII);
        bytes.position(headersEnd + length).limit(end);
        bytes.compact();
        if (request.startsWith("GET /log")) {
            ByteArrayOutputStream entries = new ByteArrayOutputStream(log.requests() * ReceiverLog.LONGS * Long.BYTES);
            log.drainTo(entries);
            tell(entries.toByteArray());
        } else if (request.startsWith("GET /count")) {
            tell(ascii(Long.toString(log.total())));
        } else if (request.startsWith("POST /slow")) {
            answerAt = System.nanoTime() + SLOW_NANOS;
            later.accept(this);
        } else if (!request.startsWith("POST /black-hole")) {
            boolean failed = request.startsWith("POST /fail-fifth")
                    ? attempt == 1 && log.isFifth()
                    : request.startsWith("POST /fail");
            log.add(deliveryHigh, deliveryLow, eventHigh, eventLow, failed ? 500 : 200);
            transport.write(ByteBuffer.wrap(failed ? FAILED : OK));
        }
        return true;
    }

    long nanosUntilAnswer() {
        return answerAt - System.nanoTime();
    }

    /** Answers what had to wait. */
    void answerNow() {
        try {
            transport.write(ByteBuffer.wrap(OK));
        } catch (IOException e) {
            // The sender has given up meanwhile.
        }
    }

    @Override
    public int compareTo(ReceiverConnection other) {
        return Long.compare(answerAt - other.answerAt, 0);
    }

    private void tell(byte[] body) throws IOException {
        transport.write(ByteBuffer.wrap(ascii("HTTP/1.1 200 OK\r\ncontent-length: " + body.length + "\r\n\r\n")));
        transport.write(ByteBuffer.wrap(body));
    }

    private static int number(byte[] array, int from, int end) {
        return Integer.parseInt(new String(array, from, end - from, StandardCharsets.US_ASCII).strip());
    }

    private static int headersEnd(byte[] array, int end) {
        for (int i = 3; i < end; i++) {
            if (array[i] == '\n' && array[i - 2] == '\n') {
                return i + 1;
            }
        }
        return -1;
    }

    private static int lineEnd(byte[] array, int from) {
        int i = from;
        while (array[i] != '\r') {
            i++;
        }
        return i;
    }

    private static boolean startsWith(byte[] array, int from, byte[] lowerCase) {
        for (int i = 0; i < lowerCase.length; i++) {
            int letter = array[from + i];
            if ((letter >= 'A' && letter <= 'Z' ? letter + 32 : letter) != lowerCase[i]) {
                return false;
            }
        }
        return true;
    }

    /** The first or second 64 bits of a UUID's text. */
    private static long half(byte[] array, int at, boolean high) {
        long value = 0;
        int end = high ? at + 18 : at + 36;
        for (int i = high ? at : at + 19; i < end; i++) {
            int digit = Character.digit(array[i], 16);
            if (digit >= 0) {
                value = value << 4 | digit;
            }
        }
        return value;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
