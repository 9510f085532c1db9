package dev.posthorn.signing;

import static dev.posthorn.signing.WebhookSigningTest.refusal;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The vectors are GitHub's published one and what {@code stripe} 23.1.0 and {@code @octokit/webhooks-methods} 6.0.0 for Node made. */
class OlderFormsTest {
    private static final long TIME = 1614265330;
    private static final byte[] BODY = "{\"test\": 2432232314, \"text\": \"12,50 €\"}".getBytes(UTF_8);
    private static final String STRIPE =
            "t=1614265330,v1=7963d1a9383f3162174a8d24741514288e123814d62522093badd6a94f5bd227";
    private static final String STRIPE_SECRET = "whsec_test_secret";
    private static final String HUB = "sha256=a62b26437ea559a4219c0a6f6276fcf5a41a5e5829d0247c699043b0e20013c7";
    private static final String HUB_SECRET = "schlüssel";

    @Test
    void signs_and_verifies_githubs_vector() throws WebhookVerificationException {
        GitHubStyleSignature hub = new GitHubStyleSignature(List.of("It's a Secret to Everybody"));
        byte[] body = "Hello, World!".getBytes(UTF_8);
        String expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assertThat(hub.sign(body)).isEqualTo(expected);
        hub.verify(expected, body);
    }

    @Test
    void github_style_signs_with_the_first_secret_and_verifies_with_any() throws WebhookVerificationException {
        assertThat(new GitHubStyleSignature(List.of(HUB_SECRET, "older")).sign(BODY))
                .isEqualTo(HUB);
        new GitHubStyleSignature(List.of("newer", HUB_SECRET)).verify(HUB, BODY);
        new GitHubStyleSignature(List.of(HUB_SECRET))
                .verify("sha256=" + HUB.substring(7).toUpperCase(Locale.ROOT), BODY);
        assertThat(hub(HUB, Arrays.copyOf(BODY, BODY.length - 1))).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(() -> new GitHubStyleSignature(List.of("other")).verify(HUB, BODY)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
    }

    @Test
    void github_style_refuses_what_has_another_form() {
        assertThat(hub(null, BODY)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(hub("", BODY)).isEqualTo(Reason.MISSING_HEADER);
        for (String malformed : List.of(
                "sha256=",
                HUB.substring(7),
                "sha1=" + HUB.substring(7),
                HUB + "," + HUB,
                HUB + " ",
                HUB.substring(0, 70),
                HUB + "\n",
                "sha256=".repeat(100_000))) {
            assertThat(hub(malformed, BODY)).as(malformed).isEqualTo(Reason.MALFORMED_HEADER);
        }
        assertThat(hub("sha256=" + "g".repeat(64), BODY)).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
    }

    @Test
    void stripe_style_signs_and_verifies_as_stripes_library_does() throws WebhookVerificationException {
        assertThat(stripe(TIME, STRIPE_SECRET).sign(TIME, BODY)).isEqualTo(STRIPE);
        stripe(TIME, STRIPE_SECRET).verify(STRIPE, BODY);
        stripe(TIME, "newer", STRIPE_SECRET).verify(STRIPE, BODY);
        stripe(TIME, STRIPE_SECRET).verify("v0=ff,v1=,nonsense,v1=zz,=," + STRIPE + ",v2=1", BODY);
    }

    @Test
    void stripe_style_signs_with_each_secret_while_they_rotate() throws WebhookVerificationException {
        String header = stripe(TIME, "newer", STRIPE_SECRET).sign(TIME, BODY);
        assertThat(header).matches("t=1614265330,v1=[0-9a-f]{64},v1=" + STRIPE.substring(16));
        stripe(TIME, "newer").verify(header, BODY);
        stripe(TIME, STRIPE_SECRET).verify(header, BODY);
    }

    @Test
    void stripe_style_tolerates_five_minutes_in_both_directions() throws WebhookVerificationException {
        stripe(TIME + 300, STRIPE_SECRET).verify(STRIPE, BODY);
        stripe(TIME - 300, STRIPE_SECRET).verify(STRIPE, BODY);
        assertThat(refusal(() -> stripe(TIME + 301, STRIPE_SECRET).verify(STRIPE, BODY)))
                .isEqualTo(Reason.TOO_OLD);
        assertThat(refusal(() -> stripe(TIME - 301, STRIPE_SECRET).verify(STRIPE, BODY)))
                .isEqualTo(Reason.TOO_NEW);
        new StripeStyleSignature(List.of("s"))
                .verify(
                        new StripeStyleSignature(List.of("s"))
                                .sign(Instant.now().getEpochSecond(), BODY),
                        BODY);
    }

    @Test
    void stripe_style_refuses_every_changed_part_and_every_other_form() {
        assertThat(stripe(null)).isEqualTo(Reason.MISSING_HEADER);
        assertThat(stripe(STRIPE.replace("330,", "331,"))).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(stripe(STRIPE.replace("v1=", "v2=") + ",v1=00")).isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(() -> stripe(TIME, STRIPE_SECRET).verify(STRIPE, new byte[0])))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        for (String malformed : List.of(
                "t=1614265330",
                STRIPE.substring(13),
                "t=1614265330," + STRIPE,
                STRIPE.replace("v1=", "v2="),
                STRIPE + "\u0000",
                ",".repeat(1_000_000))) {
            assertThat(stripe(malformed)).isEqualTo(Reason.MALFORMED_HEADER);
        }
        for (String malformed :
                List.of("t=,v1=00", "t=+1614265330,v1=00", "t= 1614265330,v1=00", "t=99999999999999,v1=00")) {
            assertThat(stripe(malformed)).isEqualTo(Reason.MALFORMED_TIMESTAMP);
        }
    }

    @Test
    void empty_secrets_are_mistakes_of_the_configuration() {
        for (List<String> none : List.of(List.<String>of(), List.of(""), List.of("fine", " "))) {
            assertThatThrownBy(() -> new GitHubStyleSignature(none))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("secret");
            assertThatThrownBy(() -> new StripeStyleSignature(none))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("secret");
        }
        assertThatThrownBy(() -> stripe(TIME, "s").sign(-1, BODY)).hasMessageContaining("seconds since 1970");
    }

    private static Reason hub(@Nullable String header, byte[] body) {
        return refusal(() -> new GitHubStyleSignature(List.of(HUB_SECRET)).verify(header, body));
    }

    private static Reason stripe(@Nullable String header) {
        return refusal(() -> stripe(TIME, STRIPE_SECRET).verify(header, BODY));
    }

    private static StripeStyleSignature stripe(long now, String... secrets) {
        return new StripeStyleSignature(
                List.of(secrets), Duration.ofMinutes(5), Clock.fixed(Instant.ofEpochSecond(now), ZoneOffset.UTC));
    }
}
