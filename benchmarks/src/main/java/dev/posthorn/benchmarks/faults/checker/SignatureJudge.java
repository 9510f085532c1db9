package dev.posthorn.benchmarks.faults.checker;

import dev.posthorn.benchmarks.faults.checker.RunLogs.Endpoint;
import dev.posthorn.benchmarks.faults.checker.RunLogs.Request;
import dev.posthorn.signing.WebhookSecret;
import dev.posthorn.signing.WebhookVerificationException;
import dev.posthorn.signing.WebhookVerifier;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Judges each request as a receiver that knows its secret does at the time of its arrival. For one thread. */
final class SignatureJudge {
    private final RunLogs logs;
    private final Findings findings;
    private final Map<String, WebhookSecret> secretOfPath = new HashMap<>();

    SignatureJudge(RunLogs logs, Findings findings) {
        this.logs = logs;
        this.findings = findings;
        for (Endpoint endpoint : logs.endpoints.values()) {
            secretOfPath.put(endpoint.path(), WebhookSecret.parse(endpoint.secret()));
        }
    }

    void judge() {
        logs.requests.forEach((delivery, requests) -> {
            for (Request request : requests) {
                judge(request);
                if (!request.body().equals(requests.getFirst().body())) {
                    findings.add(
                            Finding.BAD_SIGNATURE, "delivery " + delivery + " has other bytes than the first time");
                }
            }
        });
    }

    private void judge(Request request) {
        WebhookSecret secret = secretOfPath.get(request.path());
        if (secret == null) {
            return;
        }
        Clock arrival = Clock.fixed(Instant.EPOCH.plus(request.at(), ChronoUnit.MICROS), ZoneOffset.UTC);
        try {
            new WebhookVerifier(List.of(secret), WebhookVerifier.DEFAULT_TOLERANCE, arrival)
                    .verify(
                            request.event(),
                            request.timestamp(),
                            request.signature(),
                            request.body().getBytes(StandardCharsets.UTF_8));
        } catch (WebhookVerificationException e) {
            findings.add(Finding.BAD_SIGNATURE, "delivery " + request.delivery() + ": " + e.getMessage());
        }
    }
}
