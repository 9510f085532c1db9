package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.HttpAnswer;
import dev.posthorn.integrations.connector.HttpCall;
import dev.posthorn.integrations.mapping.ExactJson;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.JsonNode;

/** Asks for a page: paced, with credentials, waiting as long as the other side wants if that is short. For one thread. */
final class PageFetcher {
    /** Longer waits are the run's: it ends and comes again. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

    private static final int MOST_WAITS = 5;

    private final ConnectorContext context;
    private final HttpJsonSettings settings;
    private final Authentication authentication;
    private final Pauses pauses;
    private long nextRequest;

    PageFetcher(ConnectorContext context, HttpJsonSettings settings, Pauses pauses) throws ConnectorException {
        this.context = context;
        this.settings = settings;
        this.pauses = pauses;
        this.nextRequest = pauses.nanoTime();
        this.authentication = Authentication.of(context);
    }

    /**
     * An answer of 2xx, or one of 4xx that may mean that the place is not known any more.
     *
     * @param body null for none
     */
    HttpAnswer fetch(String url, byte @Nullable [] body) throws ConnectorException, InterruptedException {
        boolean renewed = false;
        for (int waits = 0; ; ) {
            pace();
            HttpAnswer answer = context.network().send(authentication.sign(call(url, body)));
            if (answer.status() == 401 && !renewed && authentication.renew()) {
                renewed = true;
                continue;
            }
            Optional<Duration> wait = shortWait(answer);
            if (wait.isPresent() && waits < MOST_WAITS) {
                waits++;
                context.log()
                        .info("answered " + answer.status() + "; waiting "
                                + wait.get().toSeconds() + " s, as it asks for");
                pauses.pause(wait.get());
                continue;
            }
            return answer;
        }
    }

    private HttpCall call(String url, byte @Nullable [] body) {
        List<Map.Entry<String, String>> headers = new ArrayList<>(settings.headers());
        if (body != null) {
            headers.add(Map.entry("Content-Type", "application/json"));
        }
        return new HttpCall(
                settings.post() ? "POST" : "GET", url, headers, body, settings.deadline(), settings.largestPage());
    }

    private Optional<Duration> shortWait(HttpAnswer answer) {
        return answer.status() != 429 && answer.status() != 503
                ? Optional.empty()
                : answer.retryAfter(context.clock().instant()).filter(wait -> wait.compareTo(LONGEST_WAIT) <= 0);
    }

    private void pace() throws InterruptedException {
        if (settings.interval().isZero()) {
            return;
        }
        long now = pauses.nanoTime();
        long wait = nextRequest - now;
        nextRequest = Math.max(now, nextRequest) + settings.interval().toNanos();
        if (wait > 0) {
            pauses.pause(Duration.ofNanos(wait));
        }
    }

    /** The answer's JSON. */
    static JsonNode json(HttpAnswer answer) throws ConnectorException {
        try {
            JsonNode json = ExactJson.read(answer.body());
            if (!json.isMissingNode()) {
                return json;
            }
        } catch (JacksonException e) {
            TokenStreamLocation place = e.getLocation();
            String where = place == null ? "" : " (line " + place.getLineNr() + ", column " + place.getColumnNr() + ")";
            // Jackson's own sentence repeats what was read, which is nobody's business in a log.
            throw malformed(answer, "the answer is not JSON" + where);
        }
        throw malformed(answer, "the answer is empty");
    }

    private static ConnectorException malformed(HttpAnswer answer, String sentence) {
        String type = answer.header("content-type").orElse("").replaceAll("[^a-zA-Z0-9/+.-].*", "");
        return new ConnectorException(
                Failure.MALFORMED, sentence + (type.isEmpty() ? "" : "; it calls itself " + type));
    }
}
