package dev.posthorn.integrations.httpjson;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.testkit.TestReceiver.Answer;
import dev.posthorn.testkit.TestReceiver.Received;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HttpJsonLoginTest {
    private static final Map<String, String> CLIENT = Map.of("client_id", "a:b", "client_secret", "s c/ret");

    private final Api api = new Api();
    private final AtomicInteger tokens = new AtomicInteger();

    @AfterEach
    void close() {
        api.close();
    }

    private String client(String more) {
        return "{'url': '" + api.server.url("/items")
                + "', 'records': {}, 'pagination': {'type': 'page', 'to': {'query': 'p'}},"
                + " 'auth': {'type': 'oauth2_client_credentials', 'token_url': '" + api.server.url("/token") + "'"
                + more + "}}";
    }

    private static String base64(String text) {
        return "Basic " + Base64.getEncoder().encodeToString(text.getBytes(UTF_8));
    }

    private List<Received> tokenRequests() {
        return api.server.received().stream()
                .filter(request -> request.path().equals("/token"))
                .toList();
    }

    @Test
    void user_token_and_header_are_sent() throws Exception {
        api.server.answer(request -> Api.json("[]"));
        api.readIds(
                api.context("'records': {}, 'auth': {'type': 'basic'}", Map.of("username", "ü", "password", "p:w")));
        api.readIds(api.context("'records': {}, 'auth': {'type': 'bearer'}", Map.of("token", "t")));
        api.readIds(api.context(
                "'records': {}, 'auth': {'type': 'header', 'header': 'X-Key', 'prefix': 'Token '}",
                Map.of("header_value", "k")));

        assertThat(api.server.received())
                .extracting(request -> request.header("Authorization") + request.header("X-Key"))
                .containsExactly(base64("ü:p:w"), "Bearer t", "Token k");
    }

    @Test
    void what_is_missing_or_cannot_be_sent_is_said_without_saying_it() {
        assertThat(catchThrowableOfType(
                        ConnectorException.class,
                        () -> api.readIds(api.context("'records': {}, 'auth': {'type': 'bearer'}"))))
                .hasMessageContaining("\"token\"")
                .extracting(ConnectorException::failure)
                .isEqualTo(Failure.CREDENTIALS);
        assertThat(catchThrowableOfType(
                        ConnectorException.class,
                        () -> api.readIds(api.context(
                                "'records': {}, 'auth': {'type': 'bearer'}", Map.of("token", "geheim\r\nX-Admin: 1")))))
                .hasMessageContaining("\"token\"")
                .hasMessageNotContaining("geheim");
        assertThat(api.server.received()).isEmpty();
    }

    @Test
    void a_token_is_fetched_once_and_anew_after_it_was_refused() throws Exception {
        api.server.answer(request -> {
            if (request.path().equals("/token")) {
                return Api.json("{'access_token': 'T" + tokens.incrementAndGet()
                        + "', 'token_type': 'bearer', 'expires_in': 3600}");
            }
            int page = Api.number(request, "p");
            if (page == 2 && request.header("Authorization").equals("Bearer T1")) {
                return Api.status(401);
            }
            return Api.json(page <= 3 ? "[{'id': " + page + "}]" : "[]");
        });

        assertThat(api.readIds(
                        api.contexts.of(client(", 'scope': 'a b', 'token_parameters': {'audience': 'x/y'}"), CLIENT)))
                .containsExactly("1", "2", "3");

        assertThat(tokenRequests()).hasSize(2).allSatisfy(request -> {
            assertThat(request.header("Authorization")).isEqualTo(base64("a%3Ab:s%20c%2Fret"));
            assertThat(new String(request.body(), UTF_8))
                    .isEqualTo("grant_type=client_credentials&scope=a%20b&audience=x%2Fy");
        });
    }

    @Test
    void a_token_that_is_refused_twice_is_a_matter_of_credentials() {
        api.server.answer(request -> request.path().equals("/token")
                ? Api.json("{'access_token': 'T', 'token_type': 'Bearer'}")
                : Api.status(401));

        assertThat(catchThrowableOfType(
                                ConnectorException.class,
                                () -> api.readIds(api.contexts.of(client(", 'client_auth': 'post'"), CLIENT)))
                        .failure())
                .isEqualTo(Failure.CREDENTIALS);
        assertThat(tokenRequests()).hasSize(2).allSatisfy(request -> {
            assertThat(request.header("Authorization")).isEmpty();
            assertThat(new String(request.body(), UTF_8)).endsWith("&client_id=a%3Ab&client_secret=s%20c%2Fret");
        });
    }

    @Test
    void a_token_is_renewed_before_it_expires() throws Exception {
        Stepping clock = new Stepping();
        api.server.answer(request -> {
            if (request.path().equals("/token")) {
                return Api.json("{'access_token': 'T" + tokens.incrementAndGet() + "', 'expires_in': 300}");
            }
            clock.now = clock.now.plus(Duration.ofSeconds(100));
            int page = Api.number(request, "p");
            return Api.json(
                    page <= 5
                            ? "[{'id': '" + page
                                    + request.header("Authorization").substring(6) + "'}]"
                            : "[]");
        });

        // Good for 240 of its 300 s: pages at 0, 100 and 200, then a new one.
        assertThat(api.readIds(api.contexts.of(client(""), CLIENT, clock)))
                .containsExactly("1 T1", "2 T1", "3 T1", "4 T2", "5 T2");
    }

    @ParameterizedTest
    @CsvSource({
        "400, '{\"error\": \"invalid_client\"}', CREDENTIALS",
        "401, '{\"error\": \"invalid_client\"}', CREDENTIALS",
        "401, '', CREDENTIALS",
        "400, '{\"error\": \"invalid_scope\"}', CONFIGURATION",
        "404, '', CONFIGURATION",
        "500, '', UNAVAILABLE",
        "200, '<html>', MALFORMED",
        "200, '{\"access_token\": \"a\\nb\"}', MALFORMED",
        "200, '{\"access_token\": \"a\", \"token_type\": \"mac\"}', CONFIGURATION"
    })
    void what_the_token_server_says_has_a_meaning(int status, String body, Failure failure) {
        api.server.answer(request -> new Answer(status, Map.of(), body.getBytes(UTF_8)));

        assertThat(catchThrowableOfType(
                        ConnectorException.class, () -> api.readIds(api.contexts.of(client(""), CLIENT))))
                .hasMessageNotContaining("s c/ret")
                .extracting(ConnectorException::failure)
                .isEqualTo(failure);
    }

    private static final class Stepping extends Clock {
        private volatile Instant now = TestContext.NOW;

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
