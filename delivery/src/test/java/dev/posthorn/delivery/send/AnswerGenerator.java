package dev.posthorn.delivery.send;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Answers to a request, most of them wrong in one way or another; the same for the same seed. */
final class AnswerGenerator {
    private static final String[] STATUS_LINES = {
        "HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 201 Created", "HTTP/1.1 204 No Content", "HTTP/1.1 299 x\u00fc",
        "HTTP/1.0 200 OK", "HTTP/1.1 202 Accepted", "HTTP/1.1 205 Reset", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK",
        "HTTP/1.1 302 Found", "HTTP/1.1 304 Not Modified", "HTTP/1.1 400 Bad", "HTTP/1.1 410 Gone", "HTTP/1.1 500 No",
        "HTTP/1.1 503 Busy", "HTTP/1.1 600 What", "HTTP/1.1 999 Most", "HTTP/1.1 199 Interim", "HTTP/1.1 101 Switch"
    };
    private static final String[] WRONG_STATUS_LINES = {
        "HTTP/1.1 200", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 0200 OK", "HTTP/1.1 099 OK",
        "HTTP/2 200", "HTTP/2.0 200 OK", "HTTP/0.9 200 OK", "HTTP/1.2 200 OK", "HTTP/11 200 OK", "HTTP/1.1200 OK",
        "http/1.1 200 OK", "ICY 200 OK", "200 OK", " HTTP/1.1 200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 +200 OK",
        "HTTP/1.1 2x0 OK", "HTTP/1.1 200 \u00fc", "HTTP/1.1 200 O\u0000K", "<html>200 OK</html>", "PRI * HTTP/2.0",
                "GET / HTTP/1.1",
        "\u0000\u0000\u0012\u0004\u0000\u0000\u0000\u0000\u0000", "\u0015\u0003\u0003\u0000\u0002\u0002(", "SSH-2.0-x",
                ""
    };
    private static final String[] HEADERS = {
        "Server: x",
        "Date: Wed, 25 Nov 2026 20:00:00 GMT",
        "Connection: keep-alive",
        "Connection: close",
        "X-Empty:",
        "Retry-After: 5",
        "Content-Encoding: gzip",
        "Content-Encoding: br",
        "Set-Cookie: a=b",
        "Location: http://127.0.0.1/",
        "X: " + "y".repeat(300),
        "X-Text: \u00e4\u00f6",
        "Content-Type: text/html; charset=utf-16",
        "Trailer: x",
        "Keep-Alive: timeout=5",
        "Upgrade: h2c",
        "Alt-Svc: h3=\":443\"",
        "WWW-Authenticate: Basic"
    };
    private static final String[] WRONG_HEADERS = {
        "No colon",
        ": no name",
        "Space : x",
        "X: a\u0000b",
        "X: a\rb",
        " folded",
        "\tfolded",
        "X: a\n b",
        "X\u00e4: y",
        "Content-Length: 0",
        "Content-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: ",
        "Content-Length: 99999999999999999999",
        "Content-Length: 5 5",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, chunked",
        "HTTP/1.1 200 OK"
    };
    private static final String[] INSERTED = {
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        ":",
        "\r\n\r\n",
        "0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "content-length: 3\r\n",
        "transfer-encoding: chunked\r\n",
        "ffffffffffffffff\r\n",
        ";x=y",
        "\u007f",
        "\u00ff",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    };

    private final SplittableRandom random;

    AnswerGenerator(long seed) {
        random = new SplittableRandom(seed);
    }

    byte[] next() {
        StringBuilder text = new StringBuilder();
        int interim = random.nextInt(4) == 0 ? random.nextInt(11) : 0;
        for (int i = 0; i < interim; i++) {
            text.append("HTTP/1.1 1")
                    .append(random.nextInt(2, 10))
                    .append(random.nextInt(10))
                    .append(" Wait\r\n");
            headers(text, random.nextInt(2));
            text.append("\r\n");
        }
        text.append(chance(10) ? one(WRONG_STATUS_LINES) : one(STATUS_LINES)).append("\r\n");
        headers(text, chance(50) ? 140 : random.nextInt(4));
        body(text);
        if (chance(8)) {
            text.append(one(INSERTED));
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.ISO_8859_1);
        while (chance(2)) {
            bytes = mutated(bytes);
        }
        return bytes;
    }

    private void headers(StringBuilder text, int count) {
        for (int i = 0; i < count; i++) {
            text.append(chance(8) ? one(WRONG_HEADERS) : one(HEADERS)).append("\r\n");
        }
    }

    private void body(StringBuilder text) {
        String body = "b".repeat(random.nextInt(4) == 0 ? random.nextInt(3000) : random.nextInt(20));
        switch (random.nextInt(4)) {
            case 0 -> text.append("\r\n").append(body);
            case 1 -> text.append("Transfer-Encoding: chunked\r\n\r\n").append(chunked(body));
            default ->
                text.append("Content-Length: ")
                        .append(Math.max(0, body.length() + (chance(10) ? random.nextInt(-5, 6) : 0)))
                        .append("\r\n\r\n")
                        .append(body);
        }
    }

    private String chunked(String body) {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < body.length(); ) {
            int size = Math.min(body.length() - at, random.nextInt(1, 40));
            text.append(Integer.toHexString(size + (chance(60) ? 1 : 0)));
            text.append(chance(20) ? ";name=\"value\"" : "").append("\r\n");
            text.append(body, at, at + size).append("\r\n");
            at += size;
        }
        return text + "0\r\n" + (chance(10) ? "Trailer: x\r\n" : "") + "\r\n";
    }

    private byte[] mutated(byte[] bytes) {
        if (bytes.length == 0) {
            return bytes;
        }
        int from = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, from + random.nextInt(1, 1 + random.nextInt(1, 30)));
        byte[] changed = bytes.clone();
        switch (random.nextInt(6)) {
            case 0 -> changed[from] = (byte) random.nextInt();
            case 1 -> changed[from] ^= (byte) (1 << random.nextInt(8));
            case 2 -> changed = Arrays.copyOf(bytes, from);
            case 3 -> changed = joined(Arrays.copyOf(bytes, from), Arrays.copyOfRange(bytes, to, bytes.length));
            case 4 -> changed = joined(Arrays.copyOf(bytes, to), Arrays.copyOfRange(bytes, from, bytes.length));
            default ->
                changed = joined(
                        Arrays.copyOf(bytes, from),
                        one(INSERTED).getBytes(StandardCharsets.ISO_8859_1),
                        Arrays.copyOfRange(bytes, from, bytes.length));
        }
        return changed;
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private String one(String[] of) {
        return of[random.nextInt(of.length)];
    }

    private boolean chance(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }
}
