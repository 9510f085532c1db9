package dev.posthorn.vault;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes who reads which secret and what for. The first reading opens a window of a minute, with a line that is committed before the value
 * is given out; what the same reader reads within the window is counted, and the number becomes a second line afterwards. So a hot reader
 * costs two lines a minute, and no reading is without a line: a process that is killed loses a number at most. Thread-safe.
 */
final class ReadAudit {
    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final String OPENED = """
            SELECT set_config('posthorn.actor', ?, true),
                   posthorn.record_audit('secret.read', 'secret', ?, ?, jsonb_build_object('reason', ?::text, 'window_seconds', ?::integer))
            """;
    private static final String COUNTED = """
            SELECT set_config('posthorn.actor', ?, true),
                   posthorn.record_audit('secret.reads_counted', 'secret', ?, ?, jsonb_build_object(
                       'reason', ?::text, 'reads', ?::bigint,
                       'from', posthorn.clock_now() - make_interval(secs => ?), 'to', posthorn.clock_now() - make_interval(secs => ?)))
            """;

    private final Map<Reading, Window> windows = new ConcurrentHashMap<>();

    record Reading(SecretAddress of, SecretReader by) {}

    private record Window(long opened, long last, long reads) {
        boolean isOver(long now) {
            return now - opened >= WINDOW.toNanos();
        }
    }

    private record Count(Reading of, Window window) {}

    /** Counts a reading in its open window; false if there is none. */
    boolean count(Reading reading) {
        long now = System.nanoTime();
        Window window = windows.computeIfPresent(
                reading, (key, open) -> open.isOver(now) ? open : new Window(open.opened(), now, open.reads() + 1));
        return window != null && !window.isOver(now);
    }

    /** Writes the line of a new window, and the numbers of those that are over. */
    void write(Connection connection, Reading reading) throws SQLException {
        writeCounts(connection, false);
        try (PreparedStatement statement = connection.prepareStatement(OPENED)) {
            set(statement, reading);
            statement.setInt(5, (int) WINDOW.toSeconds());
            statement.execute();
        }
    }

    /** Says that the line of a window is committed. */
    void opened(Reading reading) {
        long now = System.nanoTime();
        windows.merge(
                reading,
                new Window(now, now, 1),
                (open, fresh) -> open.isOver(now) ? fresh : new Window(open.opened(), now, open.reads() + 1));
    }

    /** Writes the numbers of windows: of those that are over, or of all. One whose transaction fails is lost, its first line is not. */
    void writeCounts(Connection connection, boolean all) throws SQLException {
        long now = System.nanoTime();
        List<Count> due = new ArrayList<>();
        windows.forEach((reading, window) -> {
            if ((all || window.isOver(now)) && windows.remove(reading, window) && window.reads() > 1) {
                due.add(new Count(reading, window));
            }
        });
        if (due.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = connection.prepareStatement(COUNTED)) {
            for (Count count : due) {
                set(statement, count.of());
                statement.setLong(5, count.window().reads());
                statement.setDouble(6, (now - count.window().opened()) / 1e9);
                statement.setDouble(7, (now - count.window().last()) / 1e9);
                statement.execute();
            }
        }
    }

    private static void set(PreparedStatement statement, Reading reading) throws SQLException {
        statement.setString(1, reading.by().actor());
        statement.setObject(2, reading.of().secret());
        statement.setObject(3, reading.of().community());
        statement.setString(4, reading.by().reason());
    }
}
