package dev.posthorn.benchmarks.keys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.apikeys.ApiKeys;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.benchmarks.BenchDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whether invented keys that begin like a real one can be told from others by the time it takes to refuse them. */
@Tag("alone")
class KeyTimingTest {
    private static final int ROUNDS = 3;

    @Test
    void keys_with_and_without_a_known_prefix_are_not_told_apart() throws Exception {
        try (BenchDatabase database = BenchDatabase.open();
                KeyVerifier verifier = new KeyVerifier(
                        database.pool(),
                        database.ownConnections(),
                        KeyVerifier.Options.usual().unknownPerSecond(KeyTiming.UNLIMITED))) {
            verifier.start();
            List<String> issued = new ArrayList<>();
            try (Connection connection = database.pool().getConnection()) {
                for (int i = 0; i < 10; i++) {
                    issued.add(new ApiKeys()
                            .issue(connection, ApiKey.Mode.LIVE, null, "key " + i, List.of("*"))
                            .key()
                            .text());
                }
            }
            double smallest = Double.MAX_VALUE;
            for (int round = 0; round < ROUNDS && smallest >= WelchTest.DISTINGUISHABLE; round++) {
                // A real difference is there each time, a machine that was busy once is not.
                smallest = Math.min(smallest, KeyTiming.measure(verifier, issued, 3_000));
            }
            assertThat(smallest).isLessThan(WelchTest.DISTINGUISHABLE);
        }
    }

    @Test
    void a_difference_of_a_tenth_of_the_spread_is_found() {
        SplittableRandom random = new SplittableRandom(7);
        double[] some = random.doubles(10_000, 100, 200).toArray();
        double[] others = random.doubles(10_000, 100, 200).toArray();
        double[] later = random.doubles(10_000, 110, 210).toArray();
        assertThat(WelchTest.largest(some, others)).isLessThan(WelchTest.DISTINGUISHABLE);
        assertThat(WelchTest.largest(some, later)).isGreaterThan(WelchTest.DISTINGUISHABLE);
    }
}
