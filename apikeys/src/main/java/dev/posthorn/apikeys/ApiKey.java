package dev.posthorn.apikeys;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * A key in full: {@code ph_live_} or {@code ph_test_}, 32 random base62 characters, and 6 base62 characters of CRC-32 over all before.
 *
 * <p>The first 16 characters are stored to recognise it by; the 24 random ones behind them hold 142 bits. The checksum lets mistyped
 * and invented keys be refused without asking the database, and secret scanners be sure. {@link #toString()} shows the prefix only.
 */
public final class ApiKey {
    /** Length of the part that is stored and shown. */
    public static final int PREFIX_LENGTH = 16;

    private static final String DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final int RANDOM_LENGTH = 32;
    private static final int CHECKSUM_LENGTH = 6;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final String text;

    /** What a key is for. */
    public enum Mode {
        /** Real work. */
        LIVE("ph_live_"),
        /** Trying. */
        TEST("ph_test_");

        private final String start;

        Mode(String start) {
            this.start = start;
        }

        /** {@code live} or {@code test}, as SQL and REST spell it. */
        public String word() {
            return this == LIVE ? "live" : "test";
        }
    }

    private ApiKey(String text) {
        this.text = text;
    }

    /** A new random key. */
    public static ApiKey generate(Mode mode) {
        StringBuilder key = new StringBuilder(mode.start);
        for (int i = 0; i < RANDOM_LENGTH; i++) {
            key.append(DIGITS.charAt(RANDOM.nextInt(DIGITS.length())));
        }
        return new ApiKey(key + checksum(key.toString()));
    }

    /** The key that a caller presented; empty if it cannot be one. */
    public static Optional<ApiKey> parse(String text) {
        int end = text.length() - CHECKSUM_LENGTH;
        boolean wellFormed = (text.startsWith(Mode.LIVE.start) || text.startsWith(Mode.TEST.start))
                && end == Mode.LIVE.start.length() + RANDOM_LENGTH
                && text.chars().skip(Mode.LIVE.start.length()).allMatch(digit -> DIGITS.indexOf(digit) >= 0)
                && checksum(text.substring(0, end)).equals(text.substring(end));
        return wellFormed ? Optional.of(new ApiKey(text)) : Optional.empty();
    }

    /** The key itself. A secret: shown once, never stored. */
    public String text() {
        return text;
    }

    /** Its first 16 characters. */
    public String prefix() {
        return text.substring(0, PREFIX_LENGTH);
    }

    /** Its SHA-256, which is what is stored. */
    public byte[] hash() {
        return hashOf(text);
    }

    /** The SHA-256 of a text in UTF-8. */
    public static byte[] hashOf(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.US_ASCII));
        long rest = crc.getValue();
        char[] digits = new char[CHECKSUM_LENGTH];
        for (int i = CHECKSUM_LENGTH - 1; i >= 0; i--) {
            digits[i] = DIGITS.charAt((int) (rest % DIGITS.length()));
            rest /= DIGITS.length();
        }
        return new String(digits);
    }

    @Override
    public String toString() {
        return prefix() + "…";
    }
}
