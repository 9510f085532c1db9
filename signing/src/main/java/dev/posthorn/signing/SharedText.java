package dev.posthorn.signing;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.spec.SecretKeySpec;

/** Secrets of the forms that came before Standard Webhooks: any text, used as it is, and signatures in hexadecimal. */
final class SharedText {
    private static final HexFormat HEX = HexFormat.of();
    private static final byte[] NOTHING = {};

    private final List<SecretKeySpec> keys;

    SharedText(List<String> secrets) {
        if (secrets.isEmpty()) {
            throw new IllegalArgumentException("at least one secret is needed");
        }
        if (secrets.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("a secret must not be empty");
        }
        this.keys = secrets.stream()
                .map(secret -> new SecretKeySpec(secret.getBytes(UTF_8), SignedContent.HMAC))
                .toList();
    }

    /** One signature per secret, in their order. */
    List<String> sign(byte[] head, byte[] body) {
        return keys.stream()
                .map(key -> HEX.formatHex(SignedContent.hmac(key, head, body)))
                .toList();
    }

    boolean fitsAny(byte[] head, byte[] body, List<String> signatures) {
        List<byte[]> received = signatures.stream().map(SharedText::bytes).toList();
        boolean fits = false;
        for (SecretKeySpec key : keys) {
            byte[] expected = SignedContent.hmac(key, head, body);
            for (byte[] signature : received) {
                fits |= MessageDigest.isEqual(expected, signature);
            }
        }
        return fits;
    }

    private static byte[] bytes(String hex) {
        try {
            return HEX.parseHex(hex);
        } catch (IllegalArgumentException malformed) {
            return NOTHING;
        }
    }
}
