package dev.posthorn.benchmarks.faults.stage;

import dev.posthorn.benchmarks.faults.log.Journal;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An application that posts to whichever node answers, and repeats a request under the same idempotency key until it is acknowledged. */
final class RestProducer extends Producer {
    private static final Pattern ID = Pattern.compile("\"id\": ?\"([0-9a-f-]{36})\"");
    private static final int MOST_TRIES = 900;

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final Supplier<URI> node;
    private final String key;

    RestProducer(Community community, int ordinal, long seed, Journal log, Supplier<URI> node, String key) {
        super(community, ordinal, seed, log);
        this.node = node;
        this.key = key;
    }

    @Override
    void queue() {
        long begun = Journal.now();
        long number = nextNumber();
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            try {
                HttpResponse<String> answer = post(number);
                Matcher id = ID.matcher(answer.body());
                if (answer.statusCode() == 202 && id.find()) {
                    log("acked", begun, List.of(id.group(1)));
                    return;
                }
                trouble(answer.statusCode() + " " + answer.body());
            } catch (IOException e) {
                trouble(String.valueOf(e.getMessage()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
        System.err.println("faults: event " + number + " was not accepted by REST at " + MOST_TRIES + " tries");
    }

    private HttpResponse<String> post(long number) throws IOException, InterruptedException {
        return http.send(
                HttpRequest.newBuilder(node.get().resolve("/v1/communities/ext:" + community.name() + "/events"))
                        .timeout(Duration.ofSeconds(5))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .header("Idempotency-Key", community.name() + "-" + number)
                        .POST(BodyPublishers.ofString(
                                "{\"event_type\":\"" + EVENT_TYPE + "\",\"payload\":{\"number\":" + number + "}}"))
                        .build(),
                BodyHandlers.ofString());
    }

    @Override
    void release() {
        http.close();
    }
}
