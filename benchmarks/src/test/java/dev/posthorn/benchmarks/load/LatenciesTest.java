package dev.posthorn.benchmarks.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatenciesTest {
    @Test
    void a_percentile_is_a_value_that_was_measured() {
        Latencies latencies = new Latencies(
                LongStream.rangeClosed(1, 200).map(i -> (201 - i) * 1_000_000).toArray());
        assertThat(latencies.percentile(50)).isEqualTo(100);
        assertThat(latencies.percentile(99)).isEqualTo(198);
        assertThat(latencies.percentile(100)).isEqualTo(200);
    }

    @Test
    void there_is_none_of_nothing() {
        assertThat(new Latencies(new long[0]).percentile(99)).isNaN();
    }
}
