package dev.posthorn.integrations.connector;

/**
 * What people read about a run. The credentials of the integration are taken out of every line; still, do not put secrets in. At most
 * 4,000 characters of a line and 10,000 lines of a run are kept. Thread-safe.
 */
public interface RunLog {
    /** What happens. */
    void info(String line);

    /** What somebody should look at. */
    void warn(String line);
}
