package dev.posthorn.integrations.connector;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A request as it arrived.
 *
 * @param method such as {@code POST}
 * @param query without the question mark; empty if there is none
 * @param headers by lower-case name, values in their order
 * @param body byte for byte; not to be changed
 * @param receivedAt by the clock that the integration runs by
 * @param fromTrustedProxy whether the other end of the connection itself is a proxy that the operator lists; only then are headers that such a
 *     proxy sets worth anything, because everybody else can write them, too
 */
public record PushRequest(
        String method,
        String query,
        Map<String, List<String>> headers,
        byte[] body,
        Instant receivedAt,
        boolean fromTrustedProxy) {
    /** One that came from anybody. */
    public PushRequest(
            String method, String query, Map<String, List<String>> headers, byte[] body, Instant receivedAt) {
        this(method, query, headers, body, receivedAt, false);
    }

    /** The value of a header that stands there exactly once; one that is repeated is as if it were missing, because it is ambiguous. */
    public Optional<String> header(String name) {
        List<String> values = headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
        return values.size() == 1 ? Optional.of(values.get(0)) : Optional.empty();
    }
}
