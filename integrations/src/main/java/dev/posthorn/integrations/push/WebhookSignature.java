package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.signing.GitHubStyleSignature;
import dev.posthorn.signing.StripeStyleSignature;
import dev.posthorn.signing.VerifyingKey;
import dev.posthorn.signing.WebhookVerificationException;
import dev.posthorn.signing.WebhookVerifier;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;

/** Signatures of the forms that module {@code signing} knows. */
sealed interface WebhookSignature extends Verification {
    /** Throws if the request is not genuine. */
    void check(PushRequest request) throws WebhookVerificationException;

    /** The id of a request that is genuine. */
    String id(PushRequest request);

    @Override
    default String verify(PushRequest request) throws NotGenuineException {
        try {
            check(request);
        } catch (WebhookVerificationException e) {
            throw new NotGenuineException(String.valueOf(e.getMessage()));
        }
        return id(request);
    }

    private static Clock at(Instant receivedAt) {
        return Clock.fixed(receivedAt, ZoneOffset.UTC);
    }

    /** Standard Webhooks: id, time and body are signed. */
    record Standard(List<VerifyingKey> keys, Duration tolerance) implements WebhookSignature {
        private static final int LONGEST_ID = 512;

        @Override
        public void check(PushRequest request) throws WebhookVerificationException {
            new WebhookVerifier(keys, tolerance, at(request.receivedAt())).verify(request.headers(), request.body());
        }

        @Override
        public String id(PushRequest request) {
            String id = request.header("webhook-id").orElseThrow();
            return id.length() <= LONGEST_ID ? id : Verification.hash(id.getBytes(UTF_8));
        }

        @Override
        public String toString() {
            return "standard_webhooks";
        }
    }

    /** {@code t=…,v1=…}: time and body are signed. */
    record Stripe(String header, List<String> secrets, Duration tolerance) implements WebhookSignature {
        /** Refuses secrets that cannot be used. */
        public Stripe {
            var unused = new StripeStyleSignature(secrets);
        }

        @Override
        public void check(PushRequest request) throws WebhookVerificationException {
            new StripeStyleSignature(secrets, tolerance, at(request.receivedAt()))
                    .verify(request.header(header).orElse(null), request.body());
        }

        @Override
        public String id(PushRequest request) {
            // The rest of the header is not signed: whoever repeats the request could change it.
            String time = Arrays.stream(request.header(header).orElseThrow().split(",", -1))
                    .filter(part -> part.startsWith("t="))
                    .findFirst()
                    .orElseThrow();
            return Verification.hash((time + ".").getBytes(UTF_8), request.body());
        }

        @Override
        public String toString() {
            return "stripe";
        }
    }

    /** {@code sha256=…}: the body alone is signed. */
    record GitHub(List<String> secrets) implements WebhookSignature {
        /** Refuses secrets that cannot be used. */
        public GitHub {
            var unused = new GitHubStyleSignature(secrets);
        }

        @Override
        public void check(PushRequest request) throws WebhookVerificationException {
            new GitHubStyleSignature(secrets)
                    .verify(request.header(GitHubStyleSignature.HEADER).orElse(null), request.body());
        }

        @Override
        public String id(PushRequest request) {
            return Verification.hash(request.body());
        }

        @Override
        public String toString() {
            return "github";
        }
    }
}
