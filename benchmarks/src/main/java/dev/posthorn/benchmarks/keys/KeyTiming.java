package dev.posthorn.benchmarks.keys;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.verify.KeyRequest;
import dev.posthorn.apikeys.verify.KeyVerifier;
import java.sql.SQLException;
import java.util.List;
import java.util.SplittableRandom;

/** How long it takes to refuse invented keys: those that begin with the prefix of a key that exists, and those that do not. */
public final class KeyTiming {
    /** Unknown keys a second that a verifier must not mind when it is measured. */
    public static final int UNLIMITED = 1_000_000_000;

    private static final int WARM_UP = 2_000;

    private KeyTiming() {}

    /**
     * Measures so many of each kind, in random order, one after the other.
     *
     * @param issued keys that exist, and are in the verifier's memory as those of busy callers are
     * @return as {@link WelchTest#largest}
     */
    public static double measure(KeyVerifier verifier, List<String> issued, int samples) throws SQLException {
        WrongKeys inventor = new WrongKeys(2);
        SplittableRandom random = new SplittableRandom(3);
        for (String key : issued) {
            verifier.verify(KeyRequest.of(key));
        }
        double[] known = new double[samples];
        double[] unknown = new double[samples];
        int knownCount = 0;
        int unknownCount = 0;
        int warmUp = Math.min(WARM_UP, samples);
        for (int i = -warmUp; knownCount < samples || unknownCount < samples; i++) {
            boolean begins = unknownCount == samples || (knownCount < samples && random.nextBoolean());
            String prefix = issued.get(random.nextInt(issued.size())).substring(0, ApiKey.PREFIX_LENGTH);
            KeyRequest request = KeyRequest.of(begins ? inventor.next(prefix) : inventor.next());
            long before = System.nanoTime();
            String code = verifier.verify(request).code();
            long nanos = System.nanoTime() - before;
            if (!code.equals("unknown")) {
                throw new IllegalStateException("an invented key is " + code);
            }
            if (i >= 0 && begins) {
                known[knownCount++] = nanos;
            } else if (i >= 0) {
                unknown[unknownCount++] = nanos;
            }
        }
        return WelchTest.largest(known, unknown);
    }
}
