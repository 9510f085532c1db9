package dev.posthorn.server;

import dev.posthorn.server.KeyServer.Answer;
import dev.posthorn.testkit.Eventually;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The REST API of a server, for whoever has a key.
 *
 * @param api where it is, {@code /v1} included
 * @param key sent with each call; none if it is empty
 */
record RestClient(String api, String key) {
    private static final Duration LONG = Duration.ofMinutes(3);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** Waits until a server is ready that is new to its database, and takes the service key that it shows. */
    static RestClient of(ServerProcess server) throws Exception {
        server.awaitLine("ready", LONG);
        String line = server.awaitLine("REST API:", LONG);
        String shown = server.awaitLine("service key, shown", LONG);
        return new RestClient(line.substring(line.indexOf("http")), shown.substring(shown.indexOf("ph_live_")));
    }

    /** A call; the headers are names and values in turn. */
    Answer call(String method, String path, String body, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(api + path))
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!key.isEmpty()) {
            request.header("Authorization", "Bearer " + key);
        }
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> answer = HTTP.send(request.build(), BodyHandlers.ofString());
        return new Answer(answer.statusCode(), answer.body(), answer);
    }

    /** A call that must succeed. */
    Answer done(String method, String path, String body, String... headers) throws Exception {
        Answer answer = call(method, path, body, headers);
        if (answer.status() >= 300) {
            throw new AssertionError(method + " " + path + " answered " + answer.status() + ": " + answer.body());
        }
        return answer;
    }

    /** Has an integration read and returns the run once it has ended. */
    Answer run(String integration) throws Exception {
        String run = integration + "/runs/"
                + done("POST", integration + "/runs", "").json().get("id").stringValue();
        AtomicReference<Answer> answer = new AtomicReference<>(done("GET", run, ""));
        Eventually.until(() -> "the run has not ended: " + answer.get().body(), LONG, () -> {
            answer.set(done("GET", run, ""));
            return !answer.get().json().get("ended_at").isNull();
        });
        return answer.get();
    }
}
