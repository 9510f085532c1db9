package dev.posthorn.benchmarks.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** The short form of {@code ./posthorn faults}: about six minutes. */
@Tag("alone")
class FaultsTest {
    /** Left behind where something was found, because its logs tell what happened. */
    @TempDir(cleanup = CleanupMode.ON_SUCCESS)
    private Path folder;

    @Test
    @Tag("full")
    void nothing_is_lost_and_every_sabotage_is_caught() throws Exception {
        FaultReport report =
                new FaultRun(folder, 20_261_101, Duration.ofSeconds(100), new Load(Load.LEAST), Optional.empty()).run();
        report.print();
        assertThat(report.caught()).as("sabotages caught").isEqualTo(Sabotage.values().length);
        assertThat(report.honest().findings()).as(report.honest().examples()).isEmpty();
        assertThat(report.exitCode()).isZero();
    }
}
