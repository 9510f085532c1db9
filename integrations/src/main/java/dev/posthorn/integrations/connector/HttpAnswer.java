package dev.posthorn.integrations.connector;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What another system answered.
 *
 * @param status of any kind; redirects are not followed
 * @param headers by lower-case name, values in their order
 * @param body decoded, whole
 */
public record HttpAnswer(int status, Map<String, List<String>> headers, byte[] body) {
    private static final int EXCERPT = 200;
    private static final Duration LONGEST_WAIT = Duration.ofDays(1);

    /** The first value of a header. */
    public Optional<String> header(String name) {
        return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of()).stream()
                .findFirst();
    }

    /** All values of a header. */
    public List<String> headerValues(String name) {
        return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
    }

    /** The body as UTF-8. */
    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    /**
     * Returns if it is 2xx.
     *
     * @param what was asked for, as the subject of a sentence, such as {@code the token server}
     * @throws ConnectorException of the class that the status means: 401 credentials, 403 permission, 429 rate limit, 404 and 410 and
     *     redirects configuration, 5xx and 408 unavailable, other 4xx configuration
     */
    public void requireSuccess(String what, Instant now) throws ConnectorException {
        if (status >= 200 && status < 300) {
            return;
        }
        String said = what + " answered " + status;
        if (status == 429 || (status == 503 && header("retry-after").isPresent())) {
            throw ConnectorException.rateLimited(said, retryAfter(now).orElse(null));
        }
        if (status == 401) {
            throw new ConnectorException(Failure.CREDENTIALS, said + ": the credentials are wrong or expired");
        }
        if (status == 403) {
            throw new ConnectorException(Failure.PERMISSION, said + ": the credentials do not suffice");
        }
        if (status >= 500 || status == 408 || status == 425) {
            throw new ConnectorException(Failure.UNAVAILABLE, said);
        }
        if (status >= 300 && status < 400) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    said + ", a redirect, which is not followed; configure the address that it leads to");
        }
        throw new ConnectorException(Failure.CONFIGURATION, said + "; check the configured address and parameters");
    }

    /** {@code Retry-After} in seconds or as a date (RFC 9110, section 10.2.3), at most a day; empty if there is none that can be read. */
    public Optional<Duration> retryAfter(Instant now) {
        String value = header("retry-after").orElse("").strip();
        if (value.matches("[0-9]{1,9}")) {
            return Optional.of(shorter(Duration.ofSeconds(Long.parseLong(value)), LONGEST_WAIT));
        }
        try {
            Duration until = Duration.between(
                    now,
                    ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant());
            return Optional.of(until.isNegative() ? Duration.ZERO : shorter(until, LONGEST_WAIT));
        } catch (DateTimeException malformed) {
            return Optional.empty();
        }
    }

    /** The beginning of the body, for a message; may hold what the other side likes to say. */
    public String excerpt() {
        String text = text().strip();
        return text.length() <= EXCERPT ? text : text.substring(0, EXCERPT) + "…";
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) <= 0 ? one : other;
    }
}
