package dev.posthorn.signing;

import static dev.posthorn.signing.WebhookSigningTest.refusal;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whatever a request brings, a verifier refuses it with its own exception, and keys with theirs. */
class GarbageTest {
    private static final int ROUNDS = 20_000;
    private static final long TIME = 1614265330;
    private static final byte[] BODY = "{}".getBytes(UTF_8);
    private static final Clock CLOCK = Clock.fixed(Instant.ofEpochSecond(TIME), ZoneOffset.UTC);

    private final Random random = new Random(8032);
    private final WebhookSecret secret = WebhookSecret.generate();
    private final WebhookPrivateKey pair = WebhookPrivateKey.generate();
    private final String genuine = new WebhookSigner(List.of(pair, secret)).sign("msg_1", TIME, BODY);

    @Test
    void a_verifier_refuses_garbage_and_throws_nothing_else() {
        WebhookVerifier verifier =
                new WebhookVerifier(List.of(secret, pair.verifyingKey()), WebhookVerifier.DEFAULT_TOLERANCE, CLOCK);
        Set<Reason> seen = EnumSet.noneOf(Reason.class);
        for (int round = 0; round < ROUNDS; round++) {
            // Another id than was signed, so that even the genuine signature does not fit.
            String id = sometimes("event-elsewhere");
            String timestamp = sometimes(Long.toString(TIME));
            String signatures = sometimes(genuine);
            seen.add(refusal(() -> verifier.verify(id, timestamp, signatures, BODY)));
            Map<String, List<String>> headers = new HashMap<>();
            add(headers, "webhook-id", id);
            add(headers, "Webhook-Timestamp", timestamp);
            add(headers, random.nextInt(4) == 0 ? garbage() : "WEBHOOK-SIGNATURE", signatures);
            seen.add(refusal(() -> verifier.verify(headers, BODY)));
        }
        assertThat(seen).containsExactlyInAnyOrder(Reason.values());
    }

    @Test
    void older_forms_refuse_garbage_and_throw_nothing_else() {
        GitHubStyleSignature hub = new GitHubStyleSignature(List.of("a", "b"));
        StripeStyleSignature stripe = new StripeStyleSignature(List.of("a", "b"), Duration.ofMinutes(5), CLOCK);
        Set<Reason> seen = EnumSet.noneOf(Reason.class);
        byte[] other = "[]".getBytes(UTF_8);
        for (int round = 0; round < ROUNDS; round++) {
            String header = sometimes(stripe.sign(TIME + random.nextInt(2000) - 1000, other));
            seen.add(refusal(() -> stripe.verify(header, BODY)));
            String hubHeader = sometimes(hub.sign(other));
            seen.add(refusal(() -> hub.verify(hubHeader, BODY)));
        }
        assertThat(seen).containsExactlyInAnyOrderElementsOf(EnumSet.complementOf(EnumSet.of(Reason.DUPLICATE_HEADER)));
    }

    @Test
    void garbage_is_no_key_and_is_not_repeated() {
        for (int round = 0; round < ROUNDS; round++) {
            String text = List.of("", "whsec_", "whsk_", "whpk_").get(random.nextInt(4))
                    + (random.nextBoolean() ? garbage() : base64(random.nextInt(80)));
            try {
                SigningKey key = SigningKey.parse(text);
                assertThat(SigningKey.parse(key.encoded())).isEqualTo(key);
            } catch (IllegalArgumentException refused) {
                assertThat(text.length() > 8
                                && String.valueOf(refused.getMessage()).contains(text))
                        .isFalse();
            }
            try {
                VerifyingKey key = VerifyingKey.parse(text);
                assertThat(VerifyingKey.parse(key.encoded())).isEqualTo(key);
            } catch (IllegalArgumentException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            }
        }
    }

    private void add(Map<String, List<String>> headers, String name, @Nullable String value) {
        if (value != null) {
            headers.put(name, random.nextInt(20) == 0 ? List.of(value, value) : List.of(value));
        }
    }

    /** The value, a changed form of it, garbage, or nothing. */
    private @Nullable String sometimes(String value) {
        return switch (random.nextInt(12)) {
            case 0 -> null;
            case 1 -> garbage();
            case 2 -> value.repeat(random.nextInt(300));
            case 3 -> mutated(value);
            case 4 -> "v1a," + base64(64) + " v1," + base64(32) + " " + value;
            case 5 -> Long.toString(random.nextLong() >> random.nextInt(60));
            default -> value;
        };
    }

    private String mutated(String value) {
        StringBuilder text = new StringBuilder(value);
        for (int i = random.nextInt(4); i >= 0 && !text.isEmpty(); i--) {
            int at = random.nextInt(text.length());
            switch (random.nextInt(3)) {
                case 0 -> text.deleteCharAt(at);
                case 1 -> text.insert(at, (char) random.nextInt(128));
                default -> text.setCharAt(at, ", =+/.v1at".charAt(random.nextInt(10)));
            }
        }
        return text.toString();
    }

    /** Any characters, lone surrogates among them. */
    private String garbage() {
        List<String> parts = new ArrayList<>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            parts.add(
                    switch (random.nextInt(4)) {
                        case 0 -> String.valueOf((char) random.nextInt(0x10000));
                        case 1 ->
                            List.of("v1,", "v1a,", "t=", "v1=", "sha256=", " ", ",")
                                    .get(random.nextInt(7));
                        case 2 -> base64(random.nextInt(70));
                        default -> Integer.toString(random.nextInt());
                    });
        }
        return String.join(random.nextBoolean() ? "" : " ", parts);
    }

    private String base64(int bytes) {
        byte[] some = new byte[bytes];
        random.nextBytes(some);
        return Base64.getEncoder().encodeToString(some);
    }
}
