package dev.posthorn.benchmarks.micro;

import dev.posthorn.benchmarks.load.Payloads;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookSigner;
import dev.posthorn.signing.WebhookVerificationException;
import dev.posthorn.signing.WebhookVerifier;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Signing and verifying a body of 1 KB. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SigningBenchmark {
    private static final String ID = "01939f5c-7c1e-7b3a-9c55-0f4d3c2b1a09";

    private final byte[] body = Payloads.numbered(1000).getBytes(StandardCharsets.UTF_8);
    private final WebhookSecret secret = WebhookSecret.generate();
    private final WebhookSigner signer = new WebhookSigner(List.of(secret));
    private final WebhookSigner rotating = new WebhookSigner(List.of(WebhookSecret.generate(), secret));
    private final long timestamp = Instant.now().getEpochSecond();
    private final WebhookVerifier verifier = new WebhookVerifier(
            List.of(secret),
            WebhookVerifier.DEFAULT_TOLERANCE,
            Clock.fixed(Instant.ofEpochSecond(timestamp), ZoneOffset.UTC));
    private final String signature = signer.sign(ID, timestamp, body);

    /** With one secret. */
    @Benchmark
    public String sign() {
        return signer.sign(ID, timestamp, body);
    }

    /** While secrets rotate. */
    @Benchmark
    public String signWithTwoSecrets() {
        return rotating.sign(ID, timestamp, body);
    }

    /** As a receiver does. */
    @Benchmark
    public boolean verify() throws WebhookVerificationException {
        verifier.verify(ID, Long.toString(timestamp), signature, body);
        return true;
    }
}
