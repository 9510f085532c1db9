package dev.posthorn.integrations.bank;

import dev.posthorn.integrations.bank.source.FileSource;
import dev.posthorn.integrations.bank.source.SourceFile;
import dev.posthorn.integrations.bank.statement.BadFileException;
import dev.posthorn.integrations.bank.statement.BalanceCheck;
import dev.posthorn.integrations.bank.statement.Statement;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.connector.RunLog;
import dev.posthorn.integrations.connector.SourceRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the files that are new, one after the other. A file is read whole and checked before its first record is handed out, so that of one that
 * does not add up nothing is saved; the others are read all the same, and then the run fails with what is wrong with it. It is looked at again by
 * each run until it is corrected, taken away or ignored.
 */
final class StatementReader implements RecordReader {
    private static final int RECORDS = 500;
    private static final int FILES = 50;

    private final FileSource source;
    private final BankStatementConfiguration configuration;
    private final RunLog log;
    private final ReadFiles read;
    private final Deque<SourceFile> waiting = new ArrayDeque<>();
    private final List<ConnectorException> bad = new ArrayList<>();
    private final @Nullable JsonNode begun;
    private @Nullable OpenFile open;
    private @Nullable ConnectorException broken;

    StatementReader(FileSource source, BankStatementConfiguration configuration, RunLog log, @Nullable JsonNode cursor)
            throws ConnectorException, InterruptedException {
        this.source = source;
        this.configuration = configuration;
        this.log = log;
        List<SourceFile> files = new ArrayList<>(source.list(configuration.names()));
        if (files.size() > ReadFiles.MOST) {
            throw new ConnectorException(
                    Failure.CONFIGURATION,
                    "there are " + files.size() + " files that match, and at most " + ReadFiles.MOST
                            + " can be told apart; move old ones away or narrow \"pattern\"");
        }
        files.sort(configuration.order());
        read = ReadFiles.among(files, cursor == null ? null : cursor.get("read"));
        begun = cursor == null ? null : cursor.get("begun");
        files.stream().filter(file -> !read.contains(file)).forEach(waiting::add);
        log.info(files.size() + " files match, " + waiting.size() + " of them new or changed");
    }

    @Override
    public @Nullable RecordBatch next() throws ConnectorException, InterruptedException {
        if (broken != null) {
            throw broken;
        }
        List<SourceRecord> records = new ArrayList<>();
        int files = 0;
        try {
            while (records.size() < RECORDS && files < FILES && openNext()) {
                OpenFile file = java.util.Objects.requireNonNull(open);
                while (records.size() < RECORDS && file.hasNext()) {
                    records.add(file.next());
                }
                if (!file.hasNext()) {
                    read.add(file.file());
                    open = null;
                    files++;
                }
            }
        } catch (ConnectorException e) {
            if (records.isEmpty() && files == 0) {
                throw e;
            }
            // What was read before is saved first.
            broken = e;
        }
        if (!records.isEmpty() || files > 0) {
            return RecordBatch.of(records, cursor());
        }
        if (!bad.isEmpty()) {
            throw worst();
        }
        return null;
    }

    private boolean openNext() throws ConnectorException, InterruptedException {
        while (open == null && !waiting.isEmpty()) {
            SourceFile file = waiting.remove();
            try {
                Optional<byte[]> content = source.read(file, configuration.largest());
                if (content.isEmpty()) {
                    log.info(file.name() + " changed while it was read; it is left for the next run");
                    continue;
                }
                open = new OpenFile(file, believed(file, content.get()));
                skipSaved(open);
            } catch (BadFileException e) {
                String sentence = file.name() + ": " + e.sentence();
                log.warn(sentence + "; nothing of this file is saved");
                bad.add(new ConnectorException(e.failure(), sentence, e));
            }
        }
        return open != null;
    }

    private List<Statement> believed(SourceFile file, byte[] content) throws BadFileException {
        List<Statement> statements = configuration.files().read(content);
        int entries = 0;
        int pending = 0;
        for (Statement statement : statements) {
            if (!BalanceCheck.check(statement)) {
                log.info(file.name() + ": " + statement.title() + " has no balances to check it by");
            }
            entries += statement.entries().size();
            pending += (int) statement.entries().stream()
                    .filter(entry -> !entry.booked())
                    .count();
        }
        log.info(file.name() + ": " + statements.size() + " statements, " + (entries - pending) + " booked entries"
                + (pending == 0 ? "" : ", " + pending + " that are not booked and not kept"));
        return statements;
    }

    private void skipSaved(OpenFile file) {
        if (begun != null
                && file.file().name().equals(begun.path("name").asString(""))
                && file.file().version().equals(begun.path("version").asString(""))) {
            file.skip(begun.path("records").asInt(0));
        }
    }

    private ObjectNode cursor() {
        ObjectNode cursor = JsonNodeFactory.instance.objectNode();
        cursor.set("read", read.encode());
        if (open != null) {
            cursor.set(
                    "begun",
                    JsonNodeFactory.instance
                            .objectNode()
                            .put("name", open.file().name())
                            .put("version", open.file().version())
                            .put("records", open.handedOut()));
        }
        return cursor;
    }

    /** What a person must see before what may pass. */
    private ConnectorException worst() {
        ConnectorException first = bad.stream()
                .min(Comparator.comparingInt(one -> one.failure() == Failure.INCONSISTENT
                        ? 0
                        : one.failure().personMustAct() ? 1 : 2))
                .orElseThrow();
        int others = bad.size() - 1;
        return new ConnectorException(
                first.failure(),
                first.sentence()
                        + (others == 0 ? "" : "; and " + others + " more files, which the log of the run names"),
                first);
    }

    @Override
    public void close() {
        source.close();
    }
}
