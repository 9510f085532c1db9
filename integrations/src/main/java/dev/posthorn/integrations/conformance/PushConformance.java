package dev.posthorn.integrations.conformance;

import static dev.posthorn.integrations.conformance.Examination.require;

import dev.posthorn.integrations.conformance.Examination.BrokenException;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.PushAnswer;
import dev.posthorn.integrations.connector.PushConnector;
import dev.posthorn.integrations.connector.PushRequest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Examines a connector that is pushed to, with requests as its senders make them.
 *
 * @param connector to be examined
 * @param configuration under which the requests are received; a JSON object
 * @param credentials with which they are proven
 * @param network that it is given, and must not need
 * @param genuine makes a request with at least one record, sent and received at a time; the same one for the same time
 * @param proves what the proof of a request covers
 */
public record PushConformance(
        PushConnector connector,
        JsonNode configuration,
        Map<String, String> credentials,
        Outbound network,
        Function<Instant, PushRequest> genuine,
        Set<Proof> proves) {
    private static final Instant NOW = Instant.parse("2026-06-01T12:00:00Z");

    /** What a proof covers. */
    public enum Proof {
        /** The body: another one is refused. */
        BODY,
        /** The time: a request that is sent again a day later is refused. */
        TIME
    }

    /** Keeps copies. */
    public PushConformance {
        credentials = Map.copyOf(credentials);
        proves = Set.copyOf(proves);
    }

    /** Checks every rule. Takes a minute at most for each. */
    public ConformanceReport examine() throws InterruptedException {
        Examination examination = new Examination();
        ObjectNode texts = JsonNodeFactory.instance.objectNode();
        credentials.forEach(texts::put);
        DescriptionRules.check(examination, connector, configuration, texts);
        JsonNode before = configuration.deepCopy();
        Surroundings surroundings = surroundings();
        examination.rule("check() passes where all is well", () -> connector.check(surroundings.with(all())));
        examination.rule("a genuine request is accepted, with records within their limits", () -> {
            PushAnswer.Accepted accepted = accepted(genuine.apply(NOW));
            require(!accepted.records().isEmpty(), "the sample has no record, which shows nothing");
            RecordRules.records(accepted.records());
            String id = accepted.deliveryId();
            require(!id.isEmpty() && id.length() <= 512, "the delivery's id has not 1 to 512 characters");
        });
        examination.rule(
                "a request that comes again has the same id",
                () -> require(
                        accepted(genuine.apply(NOW)).equals(accepted(genuine.apply(NOW))),
                        "id or records are others the second time"));
        forgeries(examination);
        examination.rule(
                "the configuration is not changed",
                () -> require(before.equals(configuration), "it is another one than before"));
        return examination.report();
    }

    private void forgeries(Examination examination) throws InterruptedException {
        PushRequest real = genuine.apply(NOW);
        examination.rule(
                "a request without any header is refused",
                () -> refused(with(real, Map.of(), real.body(), NOW), all()));
        examination.rule("whatever header is missing, repeated or senseless is answered", () -> {
            for (String name : real.headers().keySet()) {
                for (List<String> values : List.of(
                        List.<String>of(), List.of("", "x"), List.of("x"), List.of(","), List.of("=".repeat(10_000)))) {
                    Map<String, List<String>> headers = new HashMap<>(real.headers());
                    headers.put(name, values);
                    var unused = connector.receive(surroundings().with(all()), with(real, headers, real.body(), NOW));
                }
            }
        });
        for (Proof proof : Proof.values()) {
            String rule = proof == Proof.BODY
                    ? "a request with another body is refused"
                    : "a request that is sent again a day later is refused";
            if (proves.contains(proof)) {
                examination.rule(
                        rule,
                        () -> refused(
                                proof == Proof.BODY
                                        ? with(real, real.headers(), changed(real.body()), NOW)
                                        : with(real, real.headers(), real.body(), NOW.plus(Duration.ofDays(1))),
                                all()));
            } else {
                examination.skip(rule, "the sample's proof does not cover it");
            }
        }
        String wrong = "with other credentials a request is refused, and neither answer nor log tells them";
        String missing = "without credentials nothing is accepted";
        if (credentials.isEmpty()) {
            examination.skip(wrong, "the sample has none");
            examination.skip(missing, "the sample has none");
            return;
        }
        examination.rule(
                wrong,
                () -> refused(
                        real,
                        Credentials.of(credentials.keySet().stream()
                                .collect(Collectors.toMap(name -> name, Surroundings::canary)))));
        examination.rule(missing, () -> {
            try {
                PushAnswer answer = connector.receive(surroundings().with(Credentials.NONE), real);
                require(!(answer instanceof PushAnswer.Accepted), "it was accepted");
            } catch (ConnectorException e) {
                require(e.failure() == Failure.CREDENTIALS, "said " + e.failure() + ": " + e.sentence());
            }
        });
    }

    private PushAnswer.Accepted accepted(PushRequest request) throws ConnectorException, BrokenException {
        PushAnswer answer = connector.receive(surroundings().with(all()), request);
        if (answer instanceof PushAnswer.Accepted accepted) {
            return accepted;
        }
        throw new BrokenException("the answer was " + answer);
    }

    private void refused(PushRequest request, Credentials with) throws BrokenException {
        Surroundings surroundings = surroundings();
        try {
            PushAnswer answer = connector.receive(surroundings.with(with), request);
            if (!(answer instanceof PushAnswer.Refused refused)) {
                throw new BrokenException("it was not refused");
            }
            require(refused.status() >= 400 && refused.status() <= 499, "its status is " + refused.status());
            require(!Surroundings.tells(refused.reason()), "the answer tells a credential");
            surroundings.requireSecrecy();
        } catch (ConnectorException e) {
            surroundings.requireSecrecy(e);
            // Credentials of a form that cannot be: nothing was accepted.
            require(e.failure() == Failure.CREDENTIALS, "said " + e.failure() + ": " + e.sentence());
        }
    }

    private static byte[] changed(byte[] body) {
        byte[] changed = body.clone();
        // The last character may be white space that some form of proof passes over; one in the middle is not.
        changed[changed.length / 2] ^= 1;
        return changed;
    }

    private static PushRequest with(
            PushRequest request, Map<String, List<String>> headers, byte[] body, Instant receivedAt) {
        return new PushRequest(
                request.method(), request.query(), headers, body, receivedAt, request.fromTrustedProxy());
    }

    private Credentials all() {
        return Credentials.of(credentials);
    }

    private Surroundings surroundings() {
        return new Surroundings(configuration, network, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    /** Prints no secret. */
    @Override
    public String toString() {
        return "conformance of " + connector.describe().name();
    }
}
