package dev.posthorn.delivery.send;

import static dev.posthorn.delivery.send.Sending.here;
import static dev.posthorn.delivery.send.Sending.profile;
import static dev.posthorn.delivery.send.Sending.request;
import static dev.posthorn.delivery.send.Sending.send;
import static dev.posthorn.delivery.send.Sending.told;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.SecretMask;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.testkit.TestReceiver;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** OAuth 2.0 client credentials with a real token server. */
class AccessTokensTest {
    private final TestReceiver tokens = TestReceiver.start();
    private final TestReceiver target = TestReceiver.start();
    private final RequestSender sender = here(TrustedAuthorities.SYSTEM);
    private final AtomicInteger issued = new AtomicInteger();

    AccessTokensTest() {
        tokens.answer(request -> token("token-" + issued.incrementAndGet(), 3600));
    }

    @AfterEach
    void close() {
        sender.close();
        tokens.close();
        target.close();
    }

    private static Answer token(String value, int seconds) {
        return json(
                200, "{\"access_token\":\"" + value + "\",\"token_type\":\"bearer\",\"expires_in\":" + seconds + "}");
    }

    private static Answer json(int status, String body) {
        return new Answer(status, Map.of("content-type", "application/json"), body.getBytes(UTF_8));
    }

    private EndpointProfile grant(boolean inBody) {
        return profile(
                new ClientCredentials(tokens.url("/token"), "shop:1", "p&ss wörd", "a b", null, inBody),
                null,
                SecretMask.NONE);
    }

    private List<String> authorizations() {
        return target.received().stream()
                .map(request -> request.header("authorization"))
                .toList();
    }

    @Test
    void a_token_is_fetched_once_and_kept() throws Exception {
        for (int i = 0; i < 5; i++) {
            assertThat(send(sender, target.url("/"), grant(false))).isEqualTo("answered 200");
        }
        assertThat(authorizations()).hasSize(5).containsOnly("Bearer token-1");
        Received asked = tokens.received().get(0);
        assertThat(tokens.received()).hasSize(1);
        assertThat(new String(asked.body(), UTF_8)).isEqualTo("grant_type=client_credentials&scope=a+b");
        assertThat(asked.header("content-type")).isEqualTo("application/x-www-form-urlencoded");
        // Encoded before they are joined (RFC 6749, section 2.3.1).
        assertThat(asked.header("authorization"))
                .isEqualTo("Basic "
                        + java.util.Base64.getEncoder().encodeToString("shop%3A1:p%26ss+w%C3%B6rd".getBytes(UTF_8)));
    }

    @Test
    void credentials_may_go_into_the_form() throws Exception {
        assertThat(send(sender, target.url("/"), grant(true))).isEqualTo("answered 200");
        assertThat(tokens.received().get(0).header("authorization")).isEmpty();
        assertThat(new String(tokens.received().get(0).body(), UTF_8))
                .endsWith("&client_id=shop%3A1&client_secret=p%26ss+w%C3%B6rd");
    }

    @Test
    void a_hundred_at_once_fetch_one_token() throws Exception {
        CountDownLatch answered = new CountDownLatch(1);
        tokens.answer(request -> {
            await(answered);
            return token("token", 3600);
        });
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> all = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                Callable<String> one = () -> send(sender, target.url("/"), grant(false));
                all.add(threads.submit(one));
            }
            tokens.await(1, Duration.ofSeconds(30));
            answered.countDown();
            for (Future<String> each : all) {
                assertThat(each.get()).isEqualTo("answered 200");
            }
        }
        assertThat(tokens.received()).hasSize(1);
    }

    @Test
    void a_token_that_is_about_to_expire_is_not_used() throws Exception {
        tokens.answer(request -> token("token-" + issued.incrementAndGet(), 0));
        send(sender, target.url("/"), grant(false));
        send(sender, target.url("/"), grant(false));
        assertThat(authorizations()).containsExactly("Bearer token-1", "Bearer token-2");
    }

    @Test
    void a_token_that_the_receiver_refuses_is_renewed_once_and_not_at_every_attempt() throws Exception {
        target.answer(request -> Answer.of(request.header("authorization").equals("Bearer token-1") ? 401 : 200));
        assertThat(send(sender, target.url("/"), grant(false))).isEqualTo("answered 200");
        assertThat(authorizations()).containsExactly("Bearer token-1", "Bearer token-2");
        target.answer(request -> Answer.of(401));
        for (int i = 0; i < 10; i++) {
            assertThat(send(sender, target.url("/"), grant(false))).isEqualTo("answered 401");
        }
        assertThat(tokens.received()).hasSize(2);
        assertThat(target.received()).hasSize(12);
    }

    @Test
    void failures_are_said_and_do_not_storm_the_token_server() throws Exception {
        tokens.answer(request -> json(400, "{\"error\":\"invalid_client\",\"error_description\":\"p&ss\"}"));
        for (int i = 0; i < 20; i++) {
            assertThat(send(sender, target.url("/"), grant(false)))
                    .isEqualTo("oauth2: the token server answered 400 invalid_client");
        }
        // Twenty attempts take well under the two seconds of the first two pauses; paused machines may ask a few times
        // more.
        assertThat(tokens.received().size()).isBetween(1, 6);
        assertThat(target.received()).isEmpty();
    }

    @Test
    void what_a_token_server_may_do_wrong_is_told_apart() throws Exception {
        for (List<String> each : List.of(
                List.of("<html>", "the token server's answer has no access_token"),
                List.of("[]", "the token server's answer has no access_token"),
                List.of("{\"access_token\":{}}", "the token server's answer has no access_token"),
                List.of("{\"access_token\":\"a b\"}", "the token server's answer has no access_token"),
                List.of("{\"access_token\":\"a\\r\\nx: y\"}", "the token server's answer has no access_token"),
                List.of(
                        "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
                        "the token server's answer has another token_type than Bearer"))) {
            tokens.answer(request -> json(200, each.get(0)));
            try (RequestSender fresh = here(TrustedAuthorities.SYSTEM)) {
                assertThat(send(fresh, target.url("/"), grant(false))).isEqualTo("oauth2: " + each.get(1));
            }
        }
        assertThat(target.received()).isEmpty();
    }

    @Test
    void the_address_policy_holds_for_the_token_server_too() throws Exception {
        EndpointProfile inside = profile(
                new ClientCredentials("https://10.0.0.1/token", "a", "b", null, null, false), null, SecretMask.NONE);
        assertThat(send(sender, target.url("/"), inside)).startsWith("oauth2: the token_url is refused, address: ");
    }

    @Test
    void a_token_server_that_does_not_answer_costs_no_more_than_the_attempts_time() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        tokens.answer(request -> {
            await(never);
            return token("late", 60);
        });
        assertThat(told(sender.send(request(target.url("/"), grant(false), 1))))
                .isEqualTo("oauth2: the token server did not answer in time");
        never.countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
