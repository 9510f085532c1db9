package dev.posthorn.integrations.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.integrations.TestContext;
import dev.posthorn.integrations.conformance.ConformanceReport.Finding;
import dev.posthorn.integrations.conformance.PushConformance.Proof;
import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorDescription;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushConnector;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.connector.SourceRecord;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.JsonNodeFactory;

/** What is found of connectors that believe too much or tell too much. */
class PushConformanceTest {
    private static final String UNSIGNED = "a request without any header is refused";
    private static final String CHANGED = "a request with another body is refused";
    private static final String LATE = "a request that is sent again a day later is refused";
    private static final String WRONG =
            "with other credentials a request is refused, and neither answer nor log tells them";
    private static final String MISSING = "without credentials nothing is accepted";
    private static final String SENSELESS = "whatever header is missing, repeated or senseless is answered";
    private static final PushAnswer ACCEPTED =
            new PushAnswer.Accepted("1", List.of(SourceRecord.deleted("number", "1")));

    private final TestContext contexts = new TestContext();

    @AfterEach
    void close() {
        contexts.close();
    }

    private List<String> broken(Judge judge) throws InterruptedException {
        return new PushConformance(
                        new Judged(judge),
                        JsonNodeFactory.instance.objectNode().put("end", 1),
                        Map.of("password", "open sesame"),
                        contexts.network(),
                        at -> new PushRequest(
                                "POST", "", Map.of("x-password", List.of("open sesame")), "body".getBytes(UTF_8), at),
                        Set.of(Proof.BODY, Proof.TIME))
                .examine().findings().stream().map(Finding::rule).toList();
    }

    @Test
    void one_that_believes_everything_is_found() throws Exception {
        assertThat(broken((password, request) -> ACCEPTED)).containsExactly(UNSIGNED, CHANGED, LATE, WRONG, MISSING);
    }

    @Test
    void one_that_proves_less_than_it_says_is_found() throws Exception {
        assertThat(broken((password, request) ->
                        request.header("x-password").orElse("").equals(password)
                                ? ACCEPTED
                                : new PushAnswer.Refused(401, "no")))
                .containsExactly(CHANGED, LATE);
    }

    @Test
    void one_that_tells_a_secret_or_answers_no_4xx_is_found() throws Exception {
        assertThat(broken((password, request) ->
                        request.header("x-password").orElse("").equals(password)
                                ? ACCEPTED
                                : new PushAnswer.Refused(401, "not " + password)))
                .contains(WRONG);
        assertThat(broken((password, request) ->
                        request.header("x-password").orElse("").equals(password)
                                ? ACCEPTED
                                : new PushAnswer.Refused(500, "no")))
                .contains(UNSIGNED, WRONG);
    }

    @Test
    void one_that_stumbles_over_headers_is_found() throws Exception {
        assertThat(broken((password, request) ->
                        request.header("x-password").orElseThrow().equals(password)
                                ? ACCEPTED
                                : new PushAnswer.Refused(401, "no")))
                .contains(UNSIGNED, SENSELESS);
    }

    @FunctionalInterface
    private interface Judge {
        PushAnswer judge(String password, PushRequest request);
    }

    /** Judges as it is told; the password is empty where there is none. */
    private record Judged(Judge judge) implements PushConnector {
        @Override
        public ConnectorDescription describe() {
            return ConnectorDescription.of(CounterConnector.class, "counter.json");
        }

        @Override
        public void check(ConnectorContext context) {}

        @Override
        public PushAnswer receive(ConnectorContext context, PushRequest request) throws ConnectorException {
            return judge.judge(context.credentials().find("password").orElse(""), request);
        }
    }
}
