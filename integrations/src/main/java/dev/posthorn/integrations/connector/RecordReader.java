package dev.posthorn.integrations.connector;

import org.jspecify.annotations.Nullable;

/** Yields records in batches. For one thread. */
public interface RecordReader extends AutoCloseable {
    /**
     * The next records; a few hundred are a good batch. Each batch is saved together with its cursor in one transaction before the next is asked
     * for, so that a run that dies goes on after the last batch that was saved. Records may come again: they are told by their external ids.
     *
     * @return null when there is nothing more
     * @throws ConnectorException if it could not be read; whether the run tries again is said by the failure's class
     */
    @Nullable
    RecordBatch next() throws ConnectorException, InterruptedException;

    /**
     * Whether reading from no cursor to the end yields every record that there is, so that one that is known and did not come was deleted.
     * Such a reader's cursors are places within one run, and its last batch has none.
     */
    default boolean isSnapshot() {
        return false;
    }

    /** Lets go of connections and files; does not fail. */
    @Override
    void close();
}
