package dev.posthorn.benchmarks.keys;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kept-alive connection to a server on this machine that knows just enough HTTP/1.1 to be cheap: answers have a {@code Content-Length}.
 * For one thread.
 */
final class KeptConnection implements AutoCloseable {
    private static final Pattern LENGTH = Pattern.compile("\r\ncontent-length: *(\\d+)\r\n", Pattern.CASE_INSENSITIVE);

    private final Socket socket;
    private final InputStream in;
    private final byte[] buffer = new byte[64 * 1024];
    private int filled;

    KeptConnection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        in = socket.getInputStream();
    }

    /** Sends a request and reads its answer, of which it returns the status. */
    int exchange(byte[] request) throws IOException {
        socket.getOutputStream().write(request);
        filled = 0;
        int headers = 0;
        while (headers == 0) {
            fill();
            headers = endOfHeaders();
        }
        String head = new String(buffer, 0, headers, StandardCharsets.ISO_8859_1);
        Matcher length = LENGTH.matcher(head);
        if (!length.find()) {
            throw new IOException("an answer without Content-Length: " + head);
        }
        while (filled < headers + Integer.parseInt(length.group(1))) {
            fill();
        }
        return Integer.parseInt(head.substring(9, 12));
    }

    private void fill() throws IOException {
        int read = in.read(buffer, filled, buffer.length - filled);
        if (read <= 0) {
            throw new IOException("the server closed the connection");
        }
        filled += read;
    }

    /** Where the body begins; 0 if that has not come yet. */
    private int endOfHeaders() {
        for (int i = 3; i < filled; i++) {
            if (buffer[i] == '\n' && buffer[i - 1] == '\r' && buffer[i - 2] == '\n') {
                return i + 1;
            }
        }
        return 0;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
