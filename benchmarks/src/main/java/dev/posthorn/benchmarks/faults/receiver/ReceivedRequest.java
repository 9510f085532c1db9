package dev.posthorn.benchmarks.faults.receiver;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A request as it came.
 *
 * @param headers by name in lower case
 */
record ReceivedRequest(String localAddress, String path, Map<String, String> headers, String body) {
    private static final Pattern NUMBER = Pattern.compile("\"number\": ?(\\d+)");

    /** Reads one; null where the connection has ended. */
    static @Nullable ReceivedRequest read(Socket socket, InputStream in) throws IOException {
        String requestLine = line(in);
        if (requestLine.isEmpty()) {
            return null;
        }
        Map<String, String> headers = new HashMap<>();
        for (String header = line(in); !header.isEmpty(); header = line(in)) {
            int colon = header.indexOf(':');
            headers.put(
                    header.substring(0, colon).toLowerCase(Locale.ROOT),
                    header.substring(colon + 1).strip());
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        byte[] body = in.readNBytes(length);
        if (body.length < length) {
            return null;
        }
        return new ReceivedRequest(
                socket.getLocalAddress().getHostAddress(),
                requestLine.split(" ", -1)[1],
                headers,
                new String(body, StandardCharsets.UTF_8));
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(80);
        for (int read = in.read(); read >= 0 && read != '\n'; read = in.read()) {
            if (read != '\r') {
                line.write(read);
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    String delivery() {
        return header("posthorn-delivery-id");
    }

    String event() {
        return header("webhook-id");
    }

    String timestamp() {
        return header("webhook-timestamp");
    }

    String signature() {
        return header("webhook-signature");
    }

    /** What the producer numbered it; 0 for an event that is none of theirs. */
    long eventNumber() {
        Matcher number = NUMBER.matcher(body);
        return number.find() ? Long.parseLong(number.group(1)) : 0;
    }

    private String header(String name) {
        return headers.getOrDefault(name, "");
    }
}
