package dev.posthorn.integrations.run;

import dev.posthorn.integrations.connector.Credentials;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Takes the secrets of an integration out of texts, also where they are quoted for URLs, JSON or basic authentication. Immutable. */
final class Masking {
    private static final String MASK = "•••";
    /** Shorter ones would mask half of every text, and are no secrets. */
    private static final int SHORTEST = 4;

    private final List<String> secrets;

    Masking(Credentials credentials) {
        secrets = credentials.secrets().stream()
                .filter(secret -> secret.length() >= SHORTEST)
                .flatMap(Masking::forms)
                .distinct()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .toList();
    }

    private static Stream<String> forms(String secret) {
        byte[] bytes = secret.getBytes(StandardCharsets.UTF_8);
        return Stream.concat(
                Stream.of(
                        secret,
                        URLEncoder.encode(secret, StandardCharsets.UTF_8),
                        secret.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"),
                        Base64.getEncoder().withoutPadding().encodeToString(bytes)),
                // A private key and the like: each line of it tells.
                secret.lines().filter(line -> line.length() >= 16));
    }

    String apply(String text) {
        String masked = text;
        for (String secret : secrets) {
            masked = masked.replace(secret, MASK);
        }
        return masked;
    }
}
