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
    private static final String CUT = "…";
    /** Shorter ones would mask half of every text, and are no secrets. */
    private static final int SHORTEST = 4;

    private final List<String> secrets;

    Masking(Credentials credentials) {
        secrets = Stream.concat(
                        credentials.secrets().stream()
                                .filter(secret -> secret.length() >= SHORTEST)
                                .flatMap(Masking::forms),
                        logins(credentials))
                .distinct()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .toList();
    }

    /** Any two of them as HTTP sends user and password. */
    private static Stream<String> logins(Credentials credentials) {
        return credentials.secrets().stream()
                .flatMap(user -> credentials.secrets().stream()
                        .filter(password -> password.length() >= SHORTEST)
                        .map(password -> base64(user + ":" + password)));
    }

    private static String base64(String text) {
        return Base64.getEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static Stream<String> forms(String secret) {
        return Stream.concat(
                Stream.of(
                        secret,
                        URLEncoder.encode(secret, StandardCharsets.UTF_8),
                        secret.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"),
                        base64(secret)),
                // A private key and the like: each line of it tells.
                secret.lines().filter(line -> line.length() >= 16));
    }

    String apply(String text) {
        String masked = text;
        for (String secret : secrets) {
            masked = withoutCut(masked.replace(secret, MASK), secret);
        }
        return masked;
    }

    /** Where a text was cut within a secret, its beginning stands before the cut. */
    private static String withoutCut(String text, String secret) {
        String masked = text;
        for (int cut = masked.indexOf(CUT); cut >= 0; cut = masked.indexOf(CUT, cut + 1)) {
            int part = Math.min(cut, secret.length() - 1);
            while (part >= SHORTEST && !masked.startsWith(secret.substring(0, part), cut - part)) {
                part--;
            }
            if (part >= SHORTEST) {
                masked = masked.substring(0, cut - part) + MASK + masked.substring(cut);
                cut += MASK.length() - part;
            }
        }
        return masked;
    }
}
