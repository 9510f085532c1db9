package dev.posthorn.benchmarks.keys;

import dev.posthorn.apikeys.ApiKey;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.zip.CRC32;

/** Invents keys whose checksum is right, so that only the database can tell that there are none. For one thread. */
public final class WrongKeys {
    private static final String DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final int TEXT = 40;
    private static final int CHECKSUM = 6;

    private final SplittableRandom random;

    /** Always the same ones for a seed. */
    public WrongKeys(long seed) {
        random = new SplittableRandom(seed);
    }

    /** One with a random prefix. */
    public String next() {
        return next("ph_live_");
    }

    /** One that begins with a given text, such as the prefix of a key that exists. */
    public String next(String start) {
        StringBuilder text = new StringBuilder(start);
        while (text.length() < TEXT) {
            text.append(DIGITS.charAt(random.nextInt(DIGITS.length())));
        }
        CRC32 crc = new CRC32();
        crc.update(text.toString().getBytes(StandardCharsets.US_ASCII));
        long rest = crc.getValue();
        char[] checksum = new char[CHECKSUM];
        for (int i = CHECKSUM - 1; i >= 0; i--) {
            checksum[i] = DIGITS.charAt((int) (rest % DIGITS.length()));
            rest /= DIGITS.length();
        }
        String key = text.append(checksum).toString();
        if (ApiKey.parse(key).isEmpty()) {
            throw new IllegalStateException("the checksum of invented keys is made in another way than that of keys");
        }
        return key;
    }
}
