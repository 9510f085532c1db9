package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PushRequest;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import tools.jackson.databind.JsonNode;

/**
 * An HMAC in a header, as many senders have made up their own.
 *
 * @param header that holds it; several may stand there, separated by commas or blanks, any of which may fit
 * @param algorithm as the JDK names it
 * @param base64 whether it is written so, else in hexadecimal
 * @param prefix that stands before each
 * @param keys any of which may have signed
 * @param head what is signed before the body
 * @param tail what is signed after the body
 * @param timestampHeader that holds the time which is signed
 * @param millis whether that is in milliseconds, else in seconds since 1970
 * @param idHeader that holds the id which is signed
 */
record HmacSignature(
        String header,
        String algorithm,
        boolean base64,
        String prefix,
        List<SecretKeySpec> keys,
        String head,
        String tail,
        Optional<String> timestampHeader,
        boolean millis,
        Optional<String> idHeader,
        Duration tolerance)
        implements Verification {
    private static final String BODY = "{body}";
    private static final String TIMESTAMP = "{timestamp}";
    private static final String ID = "{id}";
    private static final int MOST_SIGNATURES = 16;
    private static final int LONGEST = 8192;

    /** @throws IllegalArgumentException if a secret is not written as the settings say */
    static HmacSignature of(JsonNode settings, List<String> secrets, Duration tolerance) throws ConnectorException {
        String signed = settings.path("signed").asString(BODY);
        Optional<String> timestamp = header(settings, "timestamp_header");
        Optional<String> id = header(settings, "id_header");
        requireOnce(signed, BODY, true, "the body");
        requireOnce(signed, TIMESTAMP, timestamp.isPresent(), "verification.timestamp_header");
        requireOnce(signed, ID, id.isPresent(), "verification.id_header");
        String algorithm = switch (settings.path("algorithm").asString("sha256")) {
            case "sha512" -> "HmacSHA512";
            case "sha1" -> "HmacSHA1";
            default -> "HmacSHA256";
        };
        List<SecretKeySpec> keys = new ArrayList<>();
        for (String secret : secrets) {
            keys.add(new SecretKeySpec(
                    bytes(secret, settings.path("secret_encoding").asString("text")), algorithm));
        }
        int body = signed.indexOf(BODY);
        return new HmacSignature(
                settings.path("header").asString(""),
                algorithm,
                settings.path("encoding").asString("hex").equals("base64"),
                settings.path("prefix").asString(""),
                keys,
                signed.substring(0, body),
                signed.substring(body + BODY.length()),
                timestamp,
                settings.path("timestamp_unit").asString("seconds").equals("milliseconds"),
                id,
                tolerance);
    }

    private static Optional<String> header(JsonNode settings, String name) {
        return settings.has(name) ? Optional.of(settings.path(name).asString()) : Optional.empty();
    }

    /** What is read must be signed, or whoever repeats a request can change it; and what is signed must be read. */
    private static void requireOnce(String signed, String placeholder, boolean wanted, String what)
            throws ConnectorException {
        int first = signed.indexOf(placeholder);
        if ((first >= 0) != wanted || first != signed.lastIndexOf(placeholder)) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    "verification.signed must have " + placeholder
                            + (wanted ? " exactly once, because " : " only with ") + what
                            + (wanted ? " must be signed" : ""));
        }
    }

    private static byte[] bytes(String secret, String encoding) {
        try {
            return switch (encoding) {
                case "hex" -> HexFormat.of().parseHex(secret);
                case "base64" -> Base64.getDecoder().decode(secret);
                default -> secret.getBytes(UTF_8);
            };
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("it is not " + encoding + ", as verification.secret_encoding says");
        }
    }

    @Override
    public String verify(PushRequest request) throws NotGenuineException {
        String received = require(request, header);
        String timestamp = timestampHeader.isPresent() ? fresh(request, timestampHeader.get()) : "";
        String id = idHeader.isPresent() ? require(request, idHeader.get()) : "";
        byte[] before = filled(head, timestamp, id);
        byte[] after = filled(tail, timestamp, id);
        List<byte[]> signatures = signatures(received);
        boolean fits = false;
        for (SecretKeySpec key : keys) {
            byte[] expected = hmac(key, before, request.body(), after);
            for (byte[] signature : signatures) {
                fits |= MessageDigest.isEqual(expected, signature);
            }
        }
        if (!fits) {
            throw new NotGenuineException(
                    "no signature fits: another secret signed, or what was signed is not what came");
        }
        return Verification.hash(before, request.body(), after);
    }

    private static byte[] filled(String template, String timestamp, String id) {
        // One pass, so that a placeholder inside an id is none.
        StringBuilder filled = new StringBuilder();
        int at = 0;
        while (at < template.length()) {
            if (template.startsWith(TIMESTAMP, at)) {
                filled.append(timestamp);
                at += TIMESTAMP.length();
            } else if (template.startsWith(ID, at)) {
                filled.append(id);
                at += ID.length();
            } else {
                filled.append(template.charAt(at));
                at++;
            }
        }
        return filled.toString().getBytes(UTF_8);
    }

    private static String require(PushRequest request, String name) throws NotGenuineException {
        String value = request.header(name).orElse("");
        if (value.isEmpty() || value.length() > LONGEST || !value.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
            throw new NotGenuineException(name + " must stand there once, in printable ASCII");
        }
        return value;
    }

    private String fresh(PushRequest request, String name) throws NotGenuineException {
        String text = require(request, name);
        if (!text.matches("[1-9][0-9]{0,14}")) {
            throw new NotGenuineException(
                    name + " is not a decimal number of " + (millis ? "milliseconds" : "seconds"));
        }
        long time = Long.parseLong(text);
        long now = request.receivedAt().toEpochMilli();
        long away = Math.abs(now - (millis ? time : Math.multiplyExact(time, 1000L)));
        if (away > tolerance.toMillis()) {
            throw new NotGenuineException(name + " lies " + away / 1000 + " s off, " + tolerance.toSeconds()
                    + " s are tolerated: a replay, or a clock is wrong");
        }
        return text;
    }

    private List<byte[]> signatures(String received) {
        List<byte[]> signatures = new ArrayList<>();
        for (String each : received.strip().split("[, ]+", MOST_SIGNATURES)) {
            if (each.startsWith(prefix)) {
                String encoded = each.substring(prefix.length());
                try {
                    signatures.add(
                            base64
                                    ? Base64.getDecoder().decode(encoded)
                                    : HexFormat.of().parseHex(encoded));
                } catch (IllegalArgumentException malformed) {
                    // Fits nothing.
                }
            }
        }
        return signatures;
    }

    private static byte[] hmac(SecretKeySpec key, byte[]... parts) {
        try {
            Mac mac = Mac.getInstance(key.getAlgorithm());
            mac.init(key);
            for (byte[] part : parts) {
                mac.update(part);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java has no " + key.getAlgorithm(), e);
        }
    }

    /** Prints no secret. */
    @Override
    public String toString() {
        return "hmac";
    }
}
