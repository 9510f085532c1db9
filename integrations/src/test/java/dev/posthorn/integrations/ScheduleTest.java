package dev.posthorn.integrations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.posthorn.integrations.schedule.Schedule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When runs are due, above all on the two nights of the year on which clocks are changed: in Zurich 29 March and 25 October 2026. */
class ScheduleTest {
    @Test
    void an_interval_is_due_at_once_and_then_after_each() {
        Schedule schedule = Schedule.of(600, null, "UTC");
        Instant now = Instant.parse("2026-03-02T10:00:00Z");
        assertThat(schedule.first(now)).contains(now);
        assertThat(schedule.next(now)).contains(now.plusSeconds(600));
        assertThat(schedule.staleAfter(now)).contains(now.plusSeconds(1_800));
        assertThat(Schedule.of(10, null, "UTC").staleAfter(now)).contains(now.plus(Duration.ofMinutes(15)));
        assertThat(Schedule.NONE.next(now)).isEmpty();
        assertThat(Schedule.NONE.staleAfter(now)).isEmpty();
    }

    @Test
    void working_days_in_a_zone() {
        assertThat(due("0 30 6 * * MON-FRI", "Europe/Zurich", "2026-03-06T12:00:00Z", 2))
                .containsExactly("2026-03-09T05:30:00Z", "2026-03-10T05:30:00Z");
        assertThat(due("0 0 0 L * *", "Asia/Kathmandu", "2026-02-01T00:00:00Z", 1))
                .containsExactly("2026-02-27T18:15:00Z");
    }

    @Test
    void a_time_that_does_not_exist_comes_later_by_as_much_and_once() {
        assertThat(due("0 30 2 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", 2))
                .containsExactly("2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z");
        assertThat(due("0 30 2,3 * * *", "Europe/Zurich", "2026-03-28T12:00:00Z", 2))
                .containsExactly("2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z");
        assertThat(due("0 */20 * * * *", "Europe/Zurich", "2026-03-29T00:30:00Z", 3))
                .containsExactly("2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z");
    }

    @Test
    void a_time_that_exists_twice_comes_the_first_time_unless_the_expression_runs_every_hour() {
        assertThat(due("0 30 2 * * *", "Europe/Zurich", "2026-10-24T12:00:00Z", 2))
                .containsExactly("2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
        assertThat(due("0 */30 * * * *", "Europe/Zurich", "2026-10-24T23:45:00Z", 6))
                .containsExactly(
                        "2026-10-25T00:00:00Z",
                        "2026-10-25T00:30:00Z",
                        "2026-10-25T01:00:00Z",
                        "2026-10-25T01:30:00Z",
                        "2026-10-25T02:00:00Z",
                        "2026-10-25T02:30:00Z");
        assertThat(due("0 0 0-23 * * *", "Europe/Zurich", "2026-10-24T23:45:00Z", 3))
                .containsExactly("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z");
    }

    @Test
    void every_minute_of_a_year_moves_time_forward_and_never_stands_still() {
        Schedule schedule = Schedule.of(null, "0 * * * * *", "America/St_Johns");
        Instant at = Instant.parse("2026-01-01T00:00:30Z");
        Instant end = Instant.parse("2027-01-01T00:00:00Z");
        long runs = 0;
        while (at.isBefore(end)) {
            Instant next = schedule.next(at).orElseThrow();
            assertThat(next).isAfter(at);
            assertThat(Duration.between(at, next)).isLessThanOrEqualTo(Duration.ofMinutes(1));
            at = next;
            runs++;
        }
        assertThat(runs).isEqualTo(365L * 24 * 60);
    }

    @Test
    void what_makes_no_sense_is_said_with_the_mend() {
        assertThatThrownBy(() -> Schedule.of(null, "30 6 * * *", "UTC"))
                .hasMessageContaining("cron must have six fields")
                .hasMessageContaining("0 30 6 * * MON-FRI");
        assertThatThrownBy(() -> Schedule.of(null, "0 0 0 31 2 *", "UTC")).hasMessageContaining("never comes");
        assertThatThrownBy(() -> Schedule.of(null, "0 0 0 * * *", "Mars/Olympus"))
                .hasMessageContaining("time_zone must be an IANA zone");
    }

    private static List<String> due(String cron, String zone, String after, int runs) {
        Schedule schedule = Schedule.of(null, cron, zone);
        List<String> due = new ArrayList<>();
        Instant at = Instant.parse(after);
        for (int run = 0; run < runs; run++) {
            at = schedule.next(at).orElseThrow();
            due.add(at.toString());
        }
        return due;
    }
}
