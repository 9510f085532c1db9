package dev.posthorn.benchmarks.keys;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Requests that have keys verified, as bytes. Those of the keys that exist are made once. Immutable. */
public final class KeyRequests {
    /** What every call asks of its key. */
    public static final String SCOPE = "orders:read";

    private final String host;
    private final List<byte[]> forward;
    private final List<byte[]> verify;

    /** @param keys that exist; the first one holds {@code keys:verify} */
    public KeyRequests(URI server, List<String> keys) {
        host = server.getAuthority();
        forward = keys.stream().map(key -> forward(key, "")).toList();
        verify = keys.stream().map(key -> verify(keys.getFirst(), key)).toList();
    }

    /** At the door for proxies, with one key after the other. */
    public byte[] forward(long number) {
        return forward.get((int) (number % forward.size()));
    }

    /** At the door for programs, with one key after the other. */
    public byte[] verify(long number) {
        return verify.get((int) (number % verify.size()));
    }

    /** At the door for proxies with a key of one's own. */
    public byte[] forward(String key) {
        return forward(key, "");
    }

    /**
     * At the door for proxies with an invented key, always the same one for a number.
     *
     * @param addresses from how many they come in turn; from that of the connection if 0
     */
    public byte[] invented(long number, int addresses) {
        long address = addresses == 0 ? 0 : number % addresses;
        String from = addresses == 0
                ? ""
                : "X-Forwarded-For: 10." + (address >> 16 & 255) + "." + (address >> 8 & 255) + "." + (address & 255)
                        + "\r\n";
        return forward(new WrongKeys(number).next(), from);
    }

    private byte[] forward(String key, String header) {
        return ("GET /v1/auth/forward?scope=" + SCOPE + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer "
                        + key + "\r\n" + header + "\r\n")
                .getBytes(StandardCharsets.US_ASCII);
    }

    private byte[] verify(String asking, String key) {
        String body = "{\"key\":\"" + key + "\",\"scopes\":[\"" + SCOPE + "\"]}";
        return ("POST /v1/api-keys/verify HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + asking
                        + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                        + body)
                .getBytes(StandardCharsets.US_ASCII);
    }
}
