package dev.posthorn.benchmarks.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ReceiverTest {
    private static final UUID DELIVERY = UUID.fromString("01939f5c-7c1e-7b3a-9c55-0f4d3c2b1a09");
    private static final UUID EVENT = UUID.fromString("fedcba98-7654-7321-8fed-cba987654321");

    @Test
    void each_request_is_logged_once_with_its_ids_and_its_answer() throws Exception {
        try (ReceiverProcess receiver = new ReceiverProcess();
                HttpClient client = HttpClient.newHttpClient()) {
            assertThat(post(client, receiver, "/ok/1", 1)).isEqualTo(200);
            assertThat(post(client, receiver, "/fail/1", 1)).isEqualTo(500);
            List<Arrival> arrivals = new ArrayList<>();
            receiver.arrivals(arrivals::add);
            assertThat(arrivals).extracting(Arrival::deliveryId).containsOnly(DELIVERY);
            assertThat(arrivals).extracting(Arrival::eventId).containsOnly(EVENT);
            assertThat(arrivals).extracting(Arrival::status).containsExactly(200, 500);
            assertThat(receiver.count()).isEqualTo(new ReceiverProcess.Count(0, 0));
            assertThat(receiver.requests()).isEqualTo(2);
        }
    }

    @Test
    void each_fifth_first_attempt_fails_and_no_second_one() throws Exception {
        try (ReceiverProcess receiver = new ReceiverProcess();
                HttpClient client = HttpClient.newHttpClient()) {
            List<Integer> first = new ArrayList<>();
            List<Integer> second = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                first.add(post(client, receiver, "/fail-fifth/1", 1));
                second.add(post(client, receiver, "/fail-fifth/1", 2));
            }
            assertThat(first).containsExactly(200, 200, 200, 200, 500, 200, 200, 200, 200, 500);
            assertThat(second).containsOnly(200);
        }
    }

    @Test
    void slow_ones_are_answered_late_and_black_holes_never_and_neither_is_logged() throws Exception {
        try (ReceiverProcess receiver = new ReceiverProcess();
                HttpClient client = HttpClient.newHttpClient()) {
            long begun = System.nanoTime();
            assertThat(post(client, receiver, "/slow/1", 1)).isEqualTo(200);
            assertThat(Duration.ofNanos(System.nanoTime() - begun)).isGreaterThanOrEqualTo(Duration.ofMillis(100));
            assertThatThrownBy(() -> post(client, receiver, "/black-hole/1", 1))
                    .isInstanceOf(HttpTimeoutException.class);
            assertThat(receiver.requests()).isZero();
        }
    }

    @Test
    void bodies_larger_than_its_buffers_arrive_whole_over_tls() throws Exception {
        Certificate certificate = Certificate.make();
        try (ReceiverProcess receiver = new ReceiverProcess(certificate);
                HttpClient client = HttpClient.newBuilder()
                        .sslContext(certificate.trusting())
                        .build()) {
            for (int i = 0; i < 3; i++) {
                assertThat(post(client, receiver, "/ok/1", 1, "x".repeat(200_000)))
                        .isEqualTo(200);
            }
            assertThat(receiver.count()).isEqualTo(new ReceiverProcess.Count(3, 1));
        }
    }

    @Test
    void different_deliveries_are_counted_once_each() {
        DistinctDeliveries deliveries = new DistinctDeliveries();
        for (int i = 0; i < 200_000; i++) {
            deliveries.add(new Arrival(new UUID(i / 3, ~i), EVENT, i, 200));
            if (i % 4 == 0) {
                deliveries.add(new Arrival(new UUID(i / 3, ~i), EVENT, i, 200));
            }
        }
        assertThat(deliveries.requests()).isEqualTo(250_000);
        assertThat(deliveries.count()).isEqualTo(200_000);
    }

    private static int post(HttpClient client, ReceiverProcess receiver, String path, int attempt)
            throws IOException, InterruptedException {
        return post(client, receiver, path, attempt, "{}");
    }

    private static int post(HttpClient client, ReceiverProcess receiver, String path, int attempt, String body)
            throws IOException, InterruptedException {
        return client.send(
                        HttpRequest.newBuilder(URI.create(receiver.url(path)))
                                .version(HttpClient.Version.HTTP_1_1)
                                .timeout(
                                        path.startsWith("/black-hole")
                                                ? Duration.ofMillis(300)
                                                : Duration.ofSeconds(30))
                                .header("posthorn-delivery-id", DELIVERY.toString())
                                .header("webhook-id", EVENT.toString())
                                .header("posthorn-attempt", Integer.toString(attempt))
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }
}
