package dev.posthorn.benchmarks.receiver;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * One connection: takes requests out of the bytes as they come and answers each. The path says what to answer: {@code /black-hole…}
 * nothing, ever; {@code /fail…} 500; {@code /log} everything that was logged, which is then forgotten; all else 200. For one thread.
 */
final class ReceiverConnection {
    private static final byte[] OK = ascii("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    private static final byte[] FAILED = ascii("HTTP/1.1 500 Failed\r\ncontent-length: 0\r\n\r\n");
    private static final byte[] DELIVERY = ascii("posthorn-delivery-id:");
    private static final byte[] EVENT = ascii("webhook-id:");
    private static final byte[] LENGTH = ascii("content-length:");

    private final SocketChannel channel;
    private final ReceiverLog log;
    private ByteBuffer bytes = ByteBuffer.allocate(16 * 1024);

    ReceiverConnection(SocketChannel channel, ReceiverLog log) {
        this.channel = channel;
        this.log = log;
    }

    /** Reads what is there; returns false when the other side has closed. */
    boolean read() throws IOException {
        if (channel.read(bytes) < 0) {
            return false;
        }
        while (takeRequest()) {
            // The next one may have come with it.
        }
        if (!bytes.hasRemaining()) {
            bytes.flip();
            bytes = ByteBuffer.allocate(bytes.capacity() * 2).put(bytes);
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
                length = Integer.parseInt(
                        new String(array, line + LENGTH.length, next - line - LENGTH.length, StandardCharsets.US_ASCII)
                                .strip());
            }
            line = next + 2;
        }
        if (end < headersEnd + length) {
            return false;
        }
        if (deliveryHigh != 0) {
            log.add(deliveryHigh, deliveryLow, eventHigh, eventLow);
        }
        answer(new String(array, 0, Math.min(40, lineEnd(array, 0)), StandardCharsets.US_ASCII));
        bytes.position(headersEnd + length).limit(end);
        bytes.compact();
        return true;
    }

    private void answer(String requestLine) throws IOException {
        if (requestLine.startsWith("GET /log")) {
            ByteArrayOutputStream entries = new ByteArrayOutputStream(log.requests() * ReceiverLog.LONGS * Long.BYTES);
            log.drainTo(entries);
            write(ascii("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: " + entries.size() + "\r\n\r\n"));
            write(entries.toByteArray());
            channel.close();
        } else if (requestLine.startsWith("POST /fail")) {
            write(FAILED);
        } else if (!requestLine.startsWith("POST /black-hole")) {
            write(OK);
        }
    }

    private void write(byte[] answer) throws IOException {
        ByteBuffer out = ByteBuffer.wrap(answer);
        while (out.hasRemaining()) {
            if (channel.write(out) == 0) {
                Thread.onSpinWait();
            }
        }
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
