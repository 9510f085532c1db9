package dev.posthorn.delivery.address;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.delivery.Fuzzing;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Whatever text it gets, the parser refuses it or makes a canonical URL of it. */
public class UrlFuzzTest {
    private static final AddressPolicy ALL =
            AddressPolicy.builder().allowHttp(true).nat64(true).build();

    @Test
    void urls() throws Exception {
        Fuzzing.run(UrlFuzzTest.class, UrlFuzzTest::fuzzerTestOneInput);
    }

    /** Judges one text; found by its name. */
    public static void fuzzerTestOneInput(byte[] bytes) throws TargetRefusedException {
        String text = new String(bytes, StandardCharsets.UTF_8);
        TargetUrl target;
        try {
            target = ALL.accept(text);
        } catch (TargetRefusedException e) {
            assertThat(e.sentence()).isNotBlank();
            return;
        }
        String canonical = target.toString();
        assertThat(ALL.accept(canonical)).hasToString(canonical);
        assertThat(canonical).matches("https?://[\\x21-\\x7e]+").hasSizeLessThanOrEqualTo(2048);
        assertThat(target.host()).isEqualTo(target.host().toLowerCase(java.util.Locale.ROOT));
        target.literal()
                .ifPresent(address -> assertThat(
                                AddressRules.refusal(AddressRules.isNat64(address) ? address.embedded() : address))
                        .isEmpty());
    }
}
