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
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

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
        int count = 1 + random.nextInt(community.eventsEach());
        long first = nextNumber();
        for (int more = 1; more < count; more++) {
            nextNumber();
        }
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            try {
                HttpResponse<String> answer = post(first, count);
                List<String> events = ID.matcher(answer.body())
                        .results()
                        .map(id -> id.group(1))
                        .toList();
                if (answer.statusCode() == 202 && events.size() == count) {
                    log("acked", begun, events);
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
        System.err.println("faults: event " + first + " was not accepted by REST at " + MOST_TRIES + " tries");
    }

    private HttpResponse<String> post(long first, int count) throws IOException, InterruptedException {
        boolean batches = community.eventsEach() > 1;
        String events =
                LongStream.range(first, first + count).mapToObj(this::event).collect(Collectors.joining(","));
        return http.send(
                HttpRequest.newBuilder(node.get()
                                .resolve("/v1/communities/ext:" + community.name() + "/events"
                                        + (batches ? "/batch" : "")))
                        .timeout(Duration.ofSeconds(5))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(batches ? "{\"events\":[" + events + "]}" : events))
                        .build(),
                BodyHandlers.ofString());
    }

    private String event(long number) {
        return "{\"event_type\":\"" + EVENT_TYPE + "\",\"idempotency_key\":\"" + community.name() + "-" + number
                + "\",\"payload\":{\"number\":" + number + "}}";
    }

    @Override
    void release() {
        http.close();
    }
}
