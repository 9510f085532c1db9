package dev.posthorn.benchmarks.faults.receiver;

import java.util.List;

/**
 * What a receiver answers.
 *
 * @param name in the log; {@code ok} is a 200 that the sender must take, {@code surplus} a 200 with another answer behind it
 * @param afterMillis when
 * @param bytes what is written; empty for nothing
 * @param end what happens to the connection then
 */
record Answer(String name, int afterMillis, String bytes, End end) {
    private static final String OK_BYTES = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";

    static final Answer OK = new Answer("ok", 0, OK_BYTES, End.KEPT);
    static final Answer FAILED =
            new Answer("failed", 0, "HTTP/1.1 500 Failed\r\ncontent-length: 7\r\n\r\nfailed\n", End.KEPT);
    static final Answer SURPLUS = new Answer("surplus", 0, OK_BYTES + OK_BYTES, End.KEPT);
    static final Answer SILENT = new Answer("silent", 0, "", End.LEFT_OPEN);
    static final Answer RESET = new Answer("reset", 0, "", End.RESET);

    /** Answers that are none; nothing of them may be taken for success. */
    static final List<String> MALFORMED = List.of(
            "HTTP/1.1 2OO OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-len",
            "ok 200\r\n\r\n",
            "\u0016\u0003\u0001\u0002\u0000\u0001",
            "HTTP/1.1 200 OK\r\ncontent-length: twelve\r\n\r\n");

    enum End {
        KEPT,
        LEFT_OPEN,
        CLOSED,
        RESET
    }

    static Answer malformed(int which) {
        return new Answer("malformed", 0, MALFORMED.get(which), End.CLOSED);
    }

    Answer after(int millis) {
        return new Answer(name, millis, bytes, end);
    }
}
