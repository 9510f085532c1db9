package dev.posthorn.integrations.run;

import dev.posthorn.integrations.connector.ConnectorContext;
import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.connector.PullConnector;
import dev.posthorn.integrations.connector.RecordBatch;
import dev.posthorn.integrations.connector.RecordBatch.Rejection;
import dev.posthorn.integrations.connector.RecordReader;
import dev.posthorn.integrations.schedule.Schedule;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Carries out one run: reads batch after batch and saves each with the cursor after it. Whatever kills it, the run goes on elsewhere
 * after the last batch that was saved. For one thread; {@link #stop} may be called by others.
 */
public final class SyncRunner {
    private static final Logger LOG = LoggerFactory.getLogger(SyncRunner.class);
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final int MOST_REJECTIONS_TOLD = 20;

    /** Why a run is stopped. */
    public enum Stop {
        /** Somebody asked for it. */
        CANCELLED,
        /** This node ends. */
        SHUTDOWN,
        /** Another node has it. */
        LOST
    }

    private final ClaimedRun run;
    private final RunStore store;
    private final Contexts contexts;
    private final AtomicReference<@Nullable Stop> stop = new AtomicReference<>();
    private volatile @Nullable BufferedRunLog log;
    private volatile @Nullable Thread thread;

    /**
     * @param run what to do
     * @param store where its records go
     * @param contexts makes what connectors work with
     */
    public SyncRunner(ClaimedRun run, RunStore store, Contexts contexts) {
        this.run = run;
        this.store = store;
        this.contexts = contexts;
    }

    /** The run. */
    public ClaimedRun run() {
        return run;
    }

    /** Ends it early; the first reason counts. */
    public void stop(Stop reason) {
        if (stop.compareAndSet(null, reason)) {
            Thread running = thread;
            if (running != null) {
                running.interrupt();
            }
        }
    }

    /** Writes the lines that wait; returns at once if there are none. */
    public void flushLog() throws SQLException {
        BufferedRunLog present = log;
        if (present != null) {
            present.flush();
        }
    }

    /** Does it, until it has ended one way or the other. Throws nothing. */
    public void carryOut() {
        thread = Thread.currentThread();
        try {
            work();
            finish(() -> store.completed(run, staleAt()));
        } catch (ConnectorException e) {
            finish(() -> failed(e));
        } catch (InterruptedException e) {
            interrupted();
        } catch (SQLException e) {
            databaseFailed(e);
        } catch (RuntimeException | LinkageError e) {
            LOG.warn("run {} of integration {} failed for a defect", run.runId(), run.integrationId(), e);
            finish(() -> failed(new ConnectorException(
                    Failure.INTERNAL,
                    "something went wrong here (" + e.getClass().getSimpleName() + "); the server's log says what")));
        }
    }

    private void work() throws ConnectorException, InterruptedException, SQLException {
        BufferedRunLog lines = new BufferedRunLog(store, run.runId(), new Masking(Credentials.NONE));
        log = lines;
        Contexts.Prepared prepared = contexts.prepare(run);
        lines = new BufferedRunLog(store, run.runId(), prepared.masking());
        log = lines;
        lines.info(beginning());
        ConnectorContext context = prepared.context(lines);
        if (!(prepared.connector() instanceof PullConnector connector)) {
            throw new ConnectorException(
                    Failure.CONFIGURATION, "the connector " + run.connector() + " is pushed to, and cannot be asked");
        }
        try {
            read(connector, context, lines);
        } catch (ConnectorException e) {
            throw masked(e, prepared.masking());
        }
    }

    private String beginning() {
        String from = run.cursor() == null ? "from the beginning" : "from where it stood";
        return run.takenOver()
                ? "taken over from a node that fell silent; reads on " + from
                : run.attempt() == 1 ? "reads " + from : "attempt " + run.attempt() + ", reads on " + from;
    }

    private void read(PullConnector connector, ConnectorContext context, BufferedRunLog lines)
            throws ConnectorException, InterruptedException, SQLException {
        String cursor = run.cursor();
        try (RecordReader reader = connector.open(context, cursor == null ? null : json(cursor))) {
            boolean snapshot = reader.isSnapshot();
            long read = 0;
            long rejected = 0;
            for (RecordBatch batch = next(reader); batch != null; batch = next(reader)) {
                CheckedBatch checked = CheckedBatch.of(batch);
                int tooLarge = store.save(run, snapshot, checked);
                if (tooLarge > 0) {
                    lines.warn(tooLarge + " records are larger than an event may be, and were not kept");
                }
                rejected = tellRejected(checked, rejected, lines) + tooLarge;
                read += batch.records().size();
            }
            if (snapshot) {
                deleteUnseen(rejected, lines);
            }
            lines.info("read to the end: " + read + " records in this attempt, " + rejected + " of them rejected");
        }
    }

    private @Nullable RecordBatch next(RecordReader reader) throws ConnectorException, InterruptedException {
        if (stop.get() != null) {
            throw new InterruptedException();
        }
        return reader.next();
    }

    private static long tellRejected(CheckedBatch batch, long before, BufferedRunLog lines) {
        long told = before;
        for (Rejection rejection : batch.rejections()) {
            if (told < MOST_REJECTIONS_TOLD) {
                lines.warn("rejected: " + rejection.where() + ": " + rejection.reason());
            } else if (told == MOST_REJECTIONS_TOLD) {
                lines.warn("more were rejected, which are not told one by one");
            }
            told++;
        }
        return told;
    }

    private void deleteUnseen(long rejected, BufferedRunLog lines) throws SQLException, ConnectorException {
        if (rejected > 0) {
            lines.warn("what did not come is not taken for deleted, because it may be among what was rejected");
        }
        try {
            Optional<UUID> last = store.deleteUnseen(run, null);
            while (last.isPresent()) {
                last = store.deleteUnseen(run, last.get());
            }
        } catch (SQLException e) {
            if (RunStore.MASS_DELETION.equals(e.getSQLState())) {
                throw new ConnectorException(Failure.MASS_DELETION, sentence(e));
            }
            throw e;
        }
    }

    private @Nullable Instant staleAt() throws SQLException {
        Schedule schedule = contexts.schedule(run.integrationId());
        return schedule.staleAfter(store.now()).orElse(null);
    }

    private void failed(ConnectorException e) throws SQLException {
        BufferedRunLog lines = log;
        if (lines != null) {
            lines.warn("failed (" + e.failure().code() + "): " + e.sentence());
        }
        LOG.debug("run {} of integration {} failed", run.runId(), run.integrationId(), e);
        store.failed(run, e);
    }

    private static ConnectorException masked(ConnectorException e, Masking masking) {
        String sentence = masking.apply(e.sentence());
        if (sentence.equals(e.sentence())) {
            return e;
        }
        return e.failure() == Failure.RATE_LIMITED
                ? ConnectorException.rateLimited(sentence, e.retryAfter().orElse(null))
                : new ConnectorException(e.failure(), sentence);
    }

    private void interrupted() {
        Stop reason = stop.get();
        if (reason == Stop.CANCELLED) {
            finish(() -> store.cancelled(run));
        } else if (reason != Stop.LOST) {
            finish(() -> store.returned(run));
        }
    }

    /** What the database cannot take would come again and again; what it did not hear is told by another node, from the last cursor. */
    private void databaseFailed(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        if (state.equals(RunStore.LOST)) {
            LOG.info("run {} goes on at another node", run.runId());
        } else if (stop.get() == Stop.SHUTDOWN || stop.get() == Stop.CANCELLED) {
            interrupted();
        } else if (state.startsWith("22") || state.startsWith("23")) {
            LOG.warn("run {}: the database cannot take what was read: {}", run.runId(), e.getMessage());
            finish(() -> failed(new ConnectorException(
                    Failure.INTERNAL, "the database cannot take what was read; the server's log says why")));
        } else {
            LOG.warn("run {} waits for the database: {}", run.runId(), firstLine(e));
        }
    }

    @FunctionalInterface
    private interface Ending {
        void tell() throws SQLException;
    }

    /** Not being able to tell is as if this node had died: the lease runs out and another goes on. */
    private void finish(Ending ending) {
        // Whoever stopped it has interrupted this thread; what is told now must not be.
        boolean interrupted = Thread.interrupted();
        try {
            ending.tell();
        } catch (SQLException e) {
            if (!RunStore.LOST.equals(e.getSQLState())) {
                LOG.warn("how run {} ended could not be told: {}", run.runId(), firstLine(e));
            }
        }
        try {
            flushLog();
        } catch (SQLException e) {
            LOG.warn("the last lines of run {} were lost: {}", run.runId(), firstLine(e));
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JacksonException e) {
            throw new IllegalStateException("the database holds JSON that is none", e);
        }
    }

    private static String sentence(SQLException e) {
        return firstLine(e).replaceFirst("^ERROR: ", "");
    }

    private static String firstLine(SQLException e) {
        String message = e.getMessage();
        return message == null
                ? String.valueOf(e.getSQLState())
                : message.lines().findFirst().orElse("");
    }
}
