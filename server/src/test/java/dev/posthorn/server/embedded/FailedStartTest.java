package dev.posthorn.server.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An embedded PostgreSQL that died, and cannot be started again at once, as on a disk that is full for a while. */
class FailedStartTest {
    @TempDir
    private Path folder;

    @Test
    void a_start_that_failed_is_tried_again_until_it_succeeds() throws Exception {
        Path control = folder.resolve("postgres/global/pg_control");
        try (EmbeddedDatabase database = EmbeddedDatabase.start(folder, Map.of(), Duration.ofSeconds(10))) {
            String url = "jdbc:postgresql" + database.url().replaceFirst("^postgres(://)(.*)@", "$1")
                    + "?user=posthorn&connectTimeout=5";
            assertThat(isUp(url)).isTrue();
            Path away = Files.move(control, folder.resolve("pg_control"));
            long postmaster = Long.parseLong(Files.readAllLines(folder.resolve("postgres/postmaster.pid"))
                    .getFirst());
            ProcessHandle.of(postmaster).orElseThrow().destroyForcibly();
            awaitLogOf("pg_control", Duration.ofSeconds(60));
            // The library gives that start up after its limit; then comes the next try.
            Files.move(away, control);
            long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            while (!isUp(url)) {
                assertThat(System.nanoTime()).isLessThan(end);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            }
        }
    }

    private static boolean isUp(String url) {
        try (var connection = DriverManager.getConnection(url)) {
            return connection.isValid(5);
        } catch (SQLException away) {
            return false;
        }
    }

    private void awaitLogOf(String word, Duration atMost) throws Exception {
        long end = System.nanoTime() + atMost.toNanos();
        List<String> said;
        do {
            said = Files.readAllLines(folder.resolve("postgres.log"));
            assertThat(System.nanoTime()).as(said.toString()).isLessThan(end);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        } while (said.stream().noneMatch(line -> line.contains(word)));
    }
}
