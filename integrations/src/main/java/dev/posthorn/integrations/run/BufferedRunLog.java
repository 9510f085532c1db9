package dev.posthorn.integrations.run;

import dev.posthorn.integrations.connector.RunLog;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Keeps lines until they are written, together; secrets are taken out at once. Thread-safe. */
final class BufferedRunLog implements RunLog {
    private static final int MOST_WAITING = 1_000;
    private static final int LONGEST = 4_000;

    private final RunStore store;
    private final UUID run;
    private final Masking masking;
    private List<String> levels = new ArrayList<>();
    private List<String> lines = new ArrayList<>();
    private int dropped;

    BufferedRunLog(RunStore store, UUID run, Masking masking) {
        this.store = store;
        this.run = run;
        this.masking = masking;
    }

    @Override
    public void info(String line) {
        add("info", line);
    }

    @Override
    public void warn(String line) {
        add("warn", line);
    }

    private void add(String level, String line) {
        String masked = masking.apply(line).replace('\0', '\uFFFD');
        String text = masked.length() <= LONGEST ? masked : masked.substring(0, LONGEST);
        synchronized (this) {
            if (lines.size() == MOST_WAITING) {
                dropped++;
            } else {
                levels.add(level);
                lines.add(text);
            }
        }
    }

    /** Writes what waits; what could not be written waits on. */
    void flush() throws SQLException {
        List<String> someLevels;
        List<String> someLines;
        synchronized (this) {
            if (lines.isEmpty()) {
                return;
            }
            if (dropped > 0) {
                levels.add("warn");
                lines.add(dropped + " lines were left out here");
                dropped = 0;
            }
            someLevels = levels;
            someLines = lines;
            levels = new ArrayList<>();
            lines = new ArrayList<>();
        }
        try {
            store.log(run, someLevels, someLines);
        } catch (SQLException e) {
            synchronized (this) {
                levels.addAll(0, someLevels);
                lines.addAll(0, someLines);
            }
            throw e;
        }
    }
}
