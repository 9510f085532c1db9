package dev.posthorn.integrations.bank.source;

import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.connector.ConnectorException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Where files lie. For one thread. */
public interface FileSource extends AutoCloseable {
    /**
     * The files that are there now.
     *
     * @param wanted which names
     * @throws ConnectorException if they could not be listed, or are more than can be
     */
    List<SourceFile> list(Predicate<String> wanted) throws ConnectorException, InterruptedException;

    /**
     * The content of one.
     *
     * @param largest in bytes
     * @return empty if it is not the one that was listed any more: it grows, was replaced or is gone
     * @throws BadFileException if it is larger, or may not be read; others may be
     * @throws ConnectorException if it could not be read for a reason that holds for others, too
     */
    Optional<byte[]> read(SourceFile file, int largest)
            throws BadFileException, ConnectorException, InterruptedException;

    /** Lets go of connections; does not fail. */
    @Override
    void close();
}
