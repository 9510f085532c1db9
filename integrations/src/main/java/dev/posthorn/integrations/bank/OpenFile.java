package dev.posthorn.integrations.bank;

import dev.posthorn.integrations.bank.source.SourceFile;
import dev.posthorn.integrations.bank.statement.Statement;
import dev.posthorn.integrations.bank.statement.StatementRecords;
import dev.posthorn.integrations.connector.SourceRecord;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** A file that was read and believed, and how many of its records were handed out. For one thread. */
final class OpenFile implements Iterator<SourceRecord> {
    private final SourceFile file;
    private final Iterator<StatementRecords> statements;
    private final Deque<SourceRecord> made = new ArrayDeque<>();
    private @Nullable StatementRecords current;
    private int handedOut;

    OpenFile(SourceFile file, List<Statement> statements) {
        this.file = file;
        this.statements = statements.stream().map(StatementRecords::new).iterator();
    }

    SourceFile file() {
        return file;
    }

    int handedOut() {
        return handedOut;
    }

    /** Passes over what was saved by an earlier run. */
    void skip(int records) {
        while (handedOut < records && hasNext()) {
            next();
        }
    }

    @Override
    public boolean hasNext() {
        while (made.isEmpty()) {
            if (current != null && current.hasNext()) {
                made.addAll(current.next());
            } else if (statements.hasNext()) {
                current = statements.next();
            } else {
                return false;
            }
        }
        return true;
    }

    @Override
    public SourceRecord next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        handedOut++;
        return made.remove();
    }
}
