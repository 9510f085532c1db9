package dev.posthorn.integrations.connector;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request to another system.
 *
 * @param method such as {@code GET}
 * @param url as the address policy takes it
 * @param headers in their order
 * @param body null for none
 * @param deadline for everything, from the name to the last byte of the answer
 * @param largestAnswer in bytes, after decoding
 */
public record HttpCall(
        String method,
        String url,
        List<Map.Entry<String, String>> headers,
        byte @Nullable [] body,
        Duration deadline,
        int largestAnswer) {
    private static final Duration USUAL_DEADLINE = Duration.ofSeconds(60);
    private static final int USUAL_LARGEST_ANSWER = 32 * 1024 * 1024;

    /** Keeps a copy of the headers. */
    public HttpCall {
        headers = List.copyOf(headers);
    }

    /** {@code GET}, within 60 seconds and 32 MiB. */
    public static HttpCall get(String url) {
        return new HttpCall("GET", url, List.of(), null, USUAL_DEADLINE, USUAL_LARGEST_ANSWER);
    }

    /** {@code POST}, within 60 seconds and 32 MiB. */
    public static HttpCall post(String url, String contentType, byte[] body) {
        return new HttpCall(
                "POST",
                url,
                List.of(Map.entry("Content-Type", contentType)),
                body,
                USUAL_DEADLINE,
                USUAL_LARGEST_ANSWER);
    }

    /** The same with a header more. */
    public HttpCall with(String name, String value) {
        List<Map.Entry<String, String>> more = new ArrayList<>(headers);
        more.add(Map.entry(name, value));
        return new HttpCall(method, url, more, body, deadline, largestAnswer);
    }

    /** Prints neither headers nor body: they may be secrets. */
    @Override
    public String toString() {
        return method + " " + url;
    }
}
