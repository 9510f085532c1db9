package dev.posthorn.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FiguresTest {
    private final Figures figures = new Figures();

    @Test
    void the_median_of_an_even_number_of_rounds_lies_between_the_two_in_the_middle() {
        for (double value : new double[] {9, 1, 2, 4}) {
            figures.add("speed", value);
        }
        assertThat(figures.median("speed")).isEqualTo(3);
        assertThat(figures.asMap())
                .containsEntry("speed", 3.0)
                .containsEntry("spread", Map.of("speed", List.of(1.0, 9.0)));
    }

    @Test
    void what_is_lost_in_one_round_does_not_hide_behind_the_others() {
        figures.count("lost", 0);
        figures.count("lost", 7);
        figures.count("lost", 0);
        assertThat(figures.asMap()).containsEntry("lost", 7L);
    }

    @Test
    void what_could_not_be_measured_is_left_out() {
        figures.add("resident", Double.NaN);
        figures.ratio("ratio", "nothing", "nothing");
        assertThat(figures.asMap()).containsOnlyKeys("spread");
    }
}
