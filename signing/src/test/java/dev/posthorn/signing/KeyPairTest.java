package dev.posthorn.signing;

import static dev.posthorn.signing.WebhookSigningTest.refusal;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeyPairTest {
    private static final String ID = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private static final long TIME = 1614265330;
    private static final byte[] BODY = "{\"test\": 2432232314}".getBytes(UTF_8);

    /** The pair and the signature with which Svix's server tests itself; the signature stands in the specification's example too. */
    private static final String SECRET_KEY =
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

    private static final String PUBLIC_KEY = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    private static final String SIGNATURE =
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    private final WebhookPrivateKey key = WebhookPrivateKey.parse(SECRET_KEY);

    @Test
    void signs_and_verifies_as_others_do() throws WebhookVerificationException {
        assertThat(new WebhookSigner(List.of(key)).sign(ID, TIME, BODY)).isEqualTo(SIGNATURE);
        verifier(WebhookPublicKey.parse(PUBLIC_KEY)).verify(ID, "" + TIME, SIGNATURE, BODY);
        assertThat(key.encoded()).isEqualTo(SECRET_KEY);
        assertThat(key.verifyingKey().encoded()).isEqualTo(PUBLIC_KEY);
    }

    /** RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc). */
    @ParameterizedTest
    @CsvSource({
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60,"
                + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a, '',"
                + "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb,"
                + "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c, 72,"
                + "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7,"
                + "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025, af82,"
                + "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42,"
                + "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf,"
                + "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f,"
                + "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
    })
    void makes_the_keys_and_signatures_of_rfc_8032(String secret, String publicKey, String message, String signature) {
        WebhookPrivateKey pair = WebhookPrivateKey.parse(base64(secret));
        byte[] bytes = HexFormat.of().parseHex(message);
        assertThat(HexFormat.of().formatHex(pair.verifyingKey().bytes())).isEqualTo(publicKey);
        assertThat(HexFormat.of().formatHex(pair.signature(new byte[0], bytes))).isEqualTo(signature);
        assertThat(pair.verifyingKey().fits(new byte[0], bytes, base64(signature)))
                .isTrue();
        assertThat(pair.verifyingKey().fits(new byte[1], bytes, base64(signature)))
                .isFalse();
    }

    @Test
    void refuses_every_changed_part() {
        WebhookVerifier verifier = verifier(key.verifyingKey());
        WebhookPublicKey other = WebhookPrivateKey.generate().verifyingKey();
        byte[] changed = BODY.clone();
        changed[0]++;
        assertThat(refusal(() -> verifier.verify(ID + "x", "" + TIME, SIGNATURE, BODY)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(() -> verifier.verify(ID, "" + (TIME + 1), SIGNATURE, BODY)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(() -> verifier.verify(ID, "" + TIME, SIGNATURE, changed)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
        assertThat(refusal(() -> verifier(other).verify(ID, "" + TIME, SIGNATURE, BODY)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "v1a",
                "v1a,",
                "v1a,hnO3",
                "v1a,%nO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
                "v1a,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
                "v1a,//////////////////////////////////////////////////////////////////////////////////////==",
                "v1,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
                "V1A,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
            })
    void malformed_signatures_fit_nothing(String signature) {
        assertThat(refusal(() -> verifier(key.verifyingKey()).verify(ID, "" + TIME, signature, BODY)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
    }

    @Test
    void one_header_serves_receivers_of_both_schemes_and_of_older_keys() throws WebhookVerificationException {
        WebhookSecret secret = WebhookSecret.generate();
        WebhookPrivateKey older = WebhookPrivateKey.generate();
        String header = new WebhookSigner(List.of(key, secret, older)).sign(ID, TIME, BODY);
        assertThat(header).matches("v1a,\\S{88} v1,\\S{44} v1a,\\S{88}");
        String withUnknown = "v2,AAAA v1b," + header.substring(4, 92) + "  nonsense " + header + " v1a";
        for (VerifyingKey one : List.of(key.verifyingKey(), secret, older.verifyingKey())) {
            verifier(one).verify(ID, "" + TIME, header, BODY);
            verifier(one).verify(ID, "" + TIME, withUnknown, BODY);
        }
        WebhookVerifier several = new WebhookVerifier(
                List.of(WebhookSecret.generate(), WebhookPrivateKey.generate().verifyingKey(), key.verifyingKey()),
                WebhookVerifier.DEFAULT_TOLERANCE,
                clock());
        several.verify(ID, "" + TIME, header, BODY);
        String unknownAlone = "v2," + SIGNATURE.substring(4) + " v1b," + SIGNATURE.substring(4);
        assertThat(refusal(() -> several.verify(ID, "" + TIME, unknownAlone, BODY)))
                .isEqualTo(Reason.NO_MATCHING_SIGNATURE);
    }

    @Test
    void keys_are_read_written_and_told_apart_by_their_prefix() {
        WebhookPrivateKey generated = WebhookPrivateKey.generate();
        assertThat(generated.encoded()).startsWith("whsk_").hasSize(5 + 88);
        assertThat(generated.verifyingKey().encoded()).startsWith("whpk_").hasSize(5 + 44);
        assertThat(WebhookPrivateKey.parse(generated.encoded()))
                .isEqualTo(generated)
                .hasSameHashCodeAs(generated);
        assertThat(generated).isNotEqualTo(WebhookPrivateKey.generate()).hasToString("whsk_***");
        assertThat(WebhookPublicKey.parse(generated.verifyingKey().encoded()))
                .isEqualTo(generated.verifyingKey())
                .hasSameHashCodeAs(generated.verifyingKey());

        WebhookSecret secret = WebhookSecret.generate();
        assertThat(SigningKey.parse(secret.encoded())).isEqualTo(secret);
        assertThat(SigningKey.parse(SECRET_KEY)).isEqualTo(key);
        assertThat(VerifyingKey.parse(secret.encoded())).isEqualTo(secret);
        assertThat(VerifyingKey.parse(PUBLIC_KEY)).isEqualTo(key.verifyingKey());
        assertThat(secret.verifyingKey()).isEqualTo(secret);
        assertThatThrownBy(() -> SigningKey.parse(PUBLIC_KEY)).hasMessageContaining("sign with its whsk_ key");
        assertThatThrownBy(() -> VerifyingKey.parse(SECRET_KEY)).hasMessageContaining("verify with its whpk_ key");
    }

    @Test
    void what_is_no_key_is_refused_without_repeating_it() {
        String wrongHalf = SECRET_KEY.substring(0, 60) + "AAAAAAA" + SECRET_KEY.substring(67);
        assertThatThrownBy(() -> WebhookPrivateKey.parse(wrongHalf))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not the public key of the first 32");
        for (String malformed : List.of("whsk_", "whsk_AAAA", "", SECRET_KEY.replace("==", "AA"))) {
            assertThatThrownBy(() -> WebhookPrivateKey.parse(malformed))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("has 64 bytes");
        }
        assertThatThrownBy(() -> WebhookPrivateKey.parse("whsk_not base64"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not base64")
                .hasMessageNotContaining("not base64 not")
                .hasNoCause();
        assertThatThrownBy(() -> WebhookPublicKey.parse("whpk_AAAA")).hasMessageContaining("has 32 bytes");
    }

    /** No point of the curve has y = 2 or 7; y = p + 3 is 3 in a form that RFC 8032 does not allow. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0200000000000000000000000000000000000000000000000000000000000000",
                "0700000000000000000000000000000000000000000000000000000000000000",
                "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            })
    void what_is_no_point_of_the_curve_is_no_public_key(String bytes) {
        assertThatThrownBy(() -> WebhookPublicKey.parse("whpk_" + base64(bytes)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no point of the curve");
    }

    /** The points of order 1, 2, 4 and 8. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0100000000000000000000000000000000000000000000000000000000000000",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0000000000000000000000000000000000000000000000000000000000000080",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
            })
    void a_public_key_for_which_anybody_can_sign_is_refused(String bytes) {
        assertThatThrownBy(() -> WebhookPublicKey.parse("whpk_" + base64(bytes)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("protects nothing");
    }

    private static WebhookVerifier verifier(VerifyingKey key) {
        return new WebhookVerifier(List.of(key), WebhookVerifier.DEFAULT_TOLERANCE, clock());
    }

    private static Clock clock() {
        return Clock.fixed(Instant.ofEpochSecond(TIME), ZoneOffset.UTC);
    }

    private static String base64(String hex) {
        return Base64.getEncoder().encodeToString(HexFormat.of().parseHex(hex));
    }
}
