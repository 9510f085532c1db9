package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.signing.VerifyingKey;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Proves who sent a request. Secrets are compared in constant time. Immutable. */
sealed interface Verification permits BasicLogin, ClientCertificate, HmacSignature, WebhookSignature {
    /**
     * Returns if the request is genuine.
     *
     * @return an id of the delivery that whoever repeats the request cannot change: the one that was signed, or a hash of what was
     * @throws NotGenuineException if it is not
     */
    String verify(PushRequest request) throws NotGenuineException;

    /**
     * Reads {@code verification} of a configuration.
     *
     * @throws ConnectorException if a credential is missing or cannot be read
     */
    static Verification of(ConnectorContext context) throws ConnectorException {
        JsonNode settings = context.configuration().path("verification");
        Duration tolerance =
                Duration.ofSeconds(settings.path("tolerance_seconds").asInt(300));
        Credentials credentials = context.credentials();
        try {
            return switch (settings.path("type").asString("")) {
                case "standard_webhooks" ->
                    new WebhookSignature.Standard(
                            secrets(credentials).stream()
                                    .map(VerifyingKey::parse)
                                    .toList(),
                            tolerance);
                case "stripe" ->
                    new WebhookSignature.Stripe(
                            settings.path("header").asString("stripe-signature"), secrets(credentials), tolerance);
                case "github" -> new WebhookSignature.GitHub(secrets(credentials));
                case "hmac" -> HmacSignature.of(settings, secrets(credentials), tolerance);
                case "basic" ->
                    new BasicLogin(credentials.require("username"), both(credentials, "password", "previous_password"));
                case "mtls_header" -> ClientCertificate.of(settings);
                default ->
                    throw new ConnectorException(
                            Failure.CONFIGURATION,
                            "verification.type must be standard_webhooks, stripe, github, hmac, basic or mtls_header");
            };
        } catch (IllegalArgumentException e) {
            // The message does not repeat a secret: those of the signing module do not, nor do ours.
            throw new ConnectorException(Failure.CREDENTIALS, "the secret cannot be used: " + e.getMessage());
        }
    }

    private static List<String> secrets(Credentials credentials) throws ConnectorException {
        return both(credentials, "secret", "previous_secret");
    }

    /** The one that holds, and during a change the one before. */
    private static List<String> both(Credentials credentials, String name, String previous) throws ConnectorException {
        List<String> values = new ArrayList<>();
        values.add(credentials.require(name));
        credentials.find(previous).ifPresent(values::add);
        if (values.stream().anyMatch(String::isBlank)) {
            throw new ConnectorException(
                    Failure.CREDENTIALS, "\"" + name + "\" is blank, with which anybody could sign; store a real one");
        }
        return values;
    }

    /** An id made of bytes. */
    static String hash(byte[]... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (byte[] part : parts) {
                digest.update(part);
            }
            return "sha256:" + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Whether a text is one of several; takes as long whichever it is. */
    static boolean isOneOf(String text, List<String> expected) {
        boolean fits = false;
        for (String each : expected) {
            fits |= MessageDigest.isEqual(each.getBytes(UTF_8), text.getBytes(UTF_8));
        }
        return fits;
    }
}
