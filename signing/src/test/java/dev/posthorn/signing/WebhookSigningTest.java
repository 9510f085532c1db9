package dev.posthorn.signing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class WebhookSigningTest {
    private static final WebhookSecret SECRET = WebhookSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    private static final String ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private static final long TIME = 1614265330;
    private static final byte[] BODY = "{\"test\": 2432232314}".getBytes(UTF_8);
    private static final String SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    @Test
    void signs_the_vector_of_the_specification() {
        assertThat(new WebhookSigner(List.of(SECRET)).sign(ID, TIME, BODY)).isEqualTo(SIGNATURE);
    }

    @Test
    void verifies_what_it_signed_whatever_the_bytes() throws WebhookVerificationException {
        Random random = new Random(42);
        for (int length = 0; length < 300; length += 7) {
            byte[] body = new byte[length];
            random.nextBytes(body);
            WebhookSecret secret = WebhookSecret.generate();
            String signature = new WebhookSigner(List.of(secret)).sign(ID, TIME, body);
            verifier(TIME, secret).verify(ID, "" + TIME, signature, body);
            byte[] other = java.util.Arrays.copyOf(body, length + 1);
            assertThat(refusal(verifier(TIME, secret), ID, "" + TIME, signature, other))
                    .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        }
    }

    @Test
    void refuses_every_changed_part() {
        WebhookVerifier verifier = verifier(TIME, SECRET);
        assertThat(refusal(verifier, ID + "x", "" + TIME, SIGNATURE, BODY)).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(verifier, ID, "" + (TIME + 1), SIGNATURE, BODY)).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(verifier, ID, "" + TIME, SIGNATURE.replace('g', 'h'), BODY))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(verifier, ID, "" + TIME, SIGNATURE.replace("v1,", "v2,"), BODY))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(verifier, ID, "" + TIME, "v1,%%%", BODY)).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(verifier(TIME, WebhookSecret.generate()), ID, "" + TIME, SIGNATURE, BODY))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
    }

    @Test
    void refuses_missing_and_malformed_headers() {
        WebhookVerifier verifier = verifier(TIME, SECRET);
        assertThat(refusal(verifier, null, "" + TIME, SIGNATURE, BODY)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(refusal(verifier, "", "" + TIME, SIGNATURE, BODY)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(refusal(verifier, ID, null, SIGNATURE, BODY)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(refusal(verifier, ID, "", SIGNATURE, BODY)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(refusal(verifier, ID, "" + TIME, null, BODY)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(refusal(verifier, ID, "" + TIME, "", BODY)).isEqualTo(Reason.MISSING_HEADER);
        for (String malformed :
                List.of("soon", "+" + TIME, "0" + TIME, TIME + ".0", "-1", " " + TIME, "99999999999999999999")) {
            assertThat(refusal(verifier, ID, malformed, SIGNATURE, BODY))
                    .as(malformed)
                    .isEqualTo(Reason.MALFORMED_TIMESTAMP);
        }
    }

    @Test
    void refuses_huge_headers_and_those_that_no_sender_makes() throws WebhookVerificationException {
        WebhookVerifier verifier = verifier(TIME, SECRET);
        String huge = "v1,".repeat(1_000_000);
        for (String malformed :
                List.of(huge, "v1a, ".repeat(17), SIGNATURE + "\u0000", SIGNATURE + "\n", SIGNATURE + "é")) {
            assertThat(refusal(verifier, ID, "" + TIME, malformed, BODY)).isEqualTo(Reason.MALFORMED_HEADER);
        }
        for (String malformed : List.of("msg.1", "msg 1", "msg\r\n1", "nachricht-ü", huge)) {
            assertThat(refusal(verifier, malformed, "" + TIME, SIGNATURE, BODY)).isEqualTo(Reason.MALFORMED_HEADER);
            assertThatThrownBy(() -> new WebhookSigner(List.of(SECRET)).sign(malformed, TIME, BODY))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("webhook-id");
        }
        assertThat(refusal(verifier, ID, huge, SIGNATURE, BODY)).isEqualTo(Reason.MALFORMED_HEADER);
        verifier.verify(ID, "" + TIME, "v1a, ".repeat(16) + "v1, ".repeat(100) + SIGNATURE, BODY);
    }

    @Test
    void a_dot_in_the_id_cannot_move_a_part_of_the_body_into_the_timestamp() {
        byte[] number = (TIME + 60 + ".5").getBytes(UTF_8);
        String signature = new WebhookSigner(List.of(SECRET)).sign(ID, TIME, number);
        // The same bytes are signed, so only the form of the id can tell.
        assertThat(refusal(
                        verifier(TIME + 60, SECRET), ID + "." + TIME, "" + (TIME + 60), signature, "5".getBytes(UTF_8)))
                .isEqualTo(Reason.MALFORMED_HEADER);
    }

    @Test
    void reads_the_headers_of_a_server_whatever_their_case_and_refuses_repeated_ones() throws Exception {
        WebhookVerifier verifier = verifier(TIME, SECRET);
        Map<String, List<String>> headers = Map.of(
                "Webhook-Id", List.of(ID),
                "WEBHOOK-TIMESTAMP", List.of("" + TIME),
                "webhook-signature", List.of(SIGNATURE),
                "content-type", List.of("application/json"));
        verifier.verify(headers, BODY);
        for (String name : List.of("Webhook-Id", "WEBHOOK-TIMESTAMP", "webhook-signature")) {
            String value = String.valueOf(headers.get(name));
            Map<String, List<String>> changed = new HashMap<>(headers);
            changed.put(name, List.of(value, value));
            assertThat(refusal(() -> verifier.verify(changed, BODY))).isEqualTo(Reason.DUPLICATE_HEADER);
            changed.put(name, List.of());
            assertThat(refusal(() -> verifier.verify(changed, BODY))).isEqualTo(Reason.MISSING_HEADER);
            changed.putAll(headers);
            changed.put(name.replace('e', 'E'), List.of(value));
            changed.put(name.replace('E', 'e').replace('W', 'w'), List.of(value));
            assertThat(refusal(() -> verifier.verify(changed, BODY))).isEqualTo(Reason.DUPLICATE_HEADER);
        }
    }

    @Test
    void tolerates_five_minutes_in_both_directions() {
        assertThatCode(() -> verifier(TIME + 300, SECRET).verify(ID, "" + TIME, SIGNATURE, BODY))
                .doesNotThrowAnyException();
        assertThatCode(() -> verifier(TIME - 300, SECRET).verify(ID, "" + TIME, SIGNATURE, BODY))
                .doesNotThrowAnyException();
        assertThat(refusal(verifier(TIME + 301, SECRET), ID, "" + TIME, SIGNATURE, BODY))
                .isEqualTo(Reason.TOO_OLD);
        assertThat(refusal(verifier(TIME - 301, SECRET), ID, "" + TIME, SIGNATURE, BODY))
                .isEqualTo(Reason.TOO_NEW);
    }

    @Test
    void the_tolerance_may_be_nothing_or_for_ever() throws WebhookVerificationException {
        new WebhookVerifier(List.of(SECRET), Duration.ZERO, at(TIME)).verify(ID, "" + TIME, SIGNATURE, BODY);
        assertThat(refusal(
                        new WebhookVerifier(List.of(SECRET), Duration.ZERO, at(TIME + 1)),
                        ID,
                        "" + TIME,
                        SIGNATURE,
                        BODY))
                .isEqualTo(Reason.TOO_OLD);
        Duration forEver = Duration.ofSeconds(Long.MAX_VALUE);
        new WebhookVerifier(List.of(SECRET), forEver, at(0)).verify(ID, "" + TIME, SIGNATURE, BODY);
        new WebhookVerifier(List.of(SECRET), forEver, at(TIME * 100)).verify(ID, "" + TIME, SIGNATURE, BODY);
        assertThatThrownBy(() -> new WebhookVerifier(List.of(SECRET), Duration.ofSeconds(-1), at(0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tolerance");
    }

    @Test
    void signs_with_both_secrets_while_they_rotate() throws WebhookVerificationException {
        WebhookSecret newer = WebhookSecret.generate();
        String signatures = new WebhookSigner(List.of(newer, SECRET)).sign(ID, TIME, BODY);
        assertThat(signatures).endsWith(" " + SIGNATURE);
        verifier(TIME, SECRET).verify(ID, "" + TIME, signatures, BODY);
        verifier(TIME, newer).verify(ID, "" + TIME, signatures, BODY);
        new WebhookVerifier(List.of(WebhookSecret.generate(), SECRET), Duration.ZERO, at(TIME))
                .verify(ID, "" + TIME, SIGNATURE, BODY);
    }

    @Test
    void secrets_are_read_written_and_never_shown() {
        WebhookSecret secret = WebhookSecret.generate();
        assertThat(WebhookSecret.parse(secret.encoded())).isEqualTo(secret).hasSameHashCodeAs(secret);
        assertThat(WebhookSecret.parse(secret.encoded().substring(WebhookSecret.PREFIX.length())))
                .isEqualTo(secret);
        assertThat(secret).isNotEqualTo(WebhookSecret.generate());
        assertThat(secret.toString()).isEqualTo("whsec_***");
        assertThatThrownBy(() -> WebhookSecret.parse("whsec_not base64"))
                .hasMessageContaining("not base64")
                .hasNoCause();
        assertThatThrownBy(() -> WebhookSecret.of(new byte[23])).hasMessageContaining("24 to 64 bytes");
        assertThatThrownBy(() -> WebhookSecret.of(new byte[65])).hasMessageContaining("24 to 64 bytes");
        for (String none : List.of("", "whsec_", "whsec_AAAA")) {
            assertThatThrownBy(() -> WebhookSecret.parse(none)).hasMessageContaining("24 to 64 bytes");
        }
        assertThatThrownBy(() -> new WebhookVerifier(List.of())).hasMessageContaining("at least one key");
        assertThatThrownBy(() -> new WebhookSigner(List.of())).hasMessageContaining("at least one key");
    }

    private static WebhookVerifier verifier(long now, WebhookSecret secret) {
        return new WebhookVerifier(List.of(secret), WebhookVerifier.DEFAULT_TOLERANCE, at(now));
    }

    private static Clock at(long seconds) {
        return Clock.fixed(Instant.ofEpochSecond(seconds), ZoneOffset.UTC);
    }

    private static Reason refusal(
            WebhookVerifier verifier,
            @Nullable String id,
            @Nullable String timestamp,
            @Nullable String signatures,
            byte[] body) {
        return refusal(() -> verifier.verify(id, timestamp, signatures, body));
    }

    /** Why a verification refuses; it must, and with no other exception. */
    static Reason refusal(Verification verification) {
        try {
            verification.run();
        } catch (WebhookVerificationException e) {
            return e.reason();
        }
        throw new AssertionError("accepted");
    }

    interface Verification {
        void run() throws WebhookVerificationException;
    }
}
