package dev.posthorn.integrations.engine;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.SystemResolver;
import dev.posthorn.delivery.background.BackgroundLoop;
import dev.posthorn.delivery.background.Signal;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.integrations.Connectors;
import dev.posthorn.integrations.CredentialsSource;
import dev.posthorn.integrations.connector.OperatorSettings;
import dev.posthorn.integrations.connector.Outbound;
import dev.posthorn.integrations.connector.PushRequest;
import dev.posthorn.integrations.run.ClaimedRun;
import dev.posthorn.integrations.run.ConnectionCheck;
import dev.posthorn.integrations.run.Contexts;
import dev.posthorn.integrations.run.PresentIntegrations;
import dev.posthorn.integrations.run.PushReceiver;
import dev.posthorn.integrations.run.RunStore;
import dev.posthorn.integrations.run.Runs;
import dev.posthorn.integrations.schedule.Planner;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import javax.sql.DataSource;

/**
 * One node's part in the integrations: queues what is due, reads what is queued, receives what is pushed. Any number of nodes may run on one
 * database. Thread-safe.
 */
public final class IntegrationEngine implements AutoCloseable {
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration BEAT = Duration.ofSeconds(2);

    private final Connectors connectors;
    private final Outbound network;
    private final RunStore store;
    private final Runs runs;
    private final Planner planner;
    private final PushReceiver pushes;
    private final ConnectionCheck check;
    private final Signal look = new Signal();
    private final Signal beat = new Signal();
    private final List<BackgroundLoop> loops = new ArrayList<>();
    /** Whether the last look took as many runs as there was room for, so that there may be more. */
    private volatile boolean moreMayWait;

    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();

    private IntegrationEngine(Builder settings) {
        connectors = settings.connectors;
        network = new Outbound(settings.addresses, settings.resolver);
        ServiceSession session = new ServiceSession(settings.database);
        Contexts contexts =
                new Contexts(connectors, settings.credentials, network, session, settings.clock, settings.operator);
        store = new RunStore(session);
        runs = new Runs(store, contexts, settings.maxRuns, this::runEnded);
        planner = new Planner(session, connectors);
        PresentIntegrations integrations = new PresentIntegrations(session);
        pushes = new PushReceiver(integrations, store, contexts);
        check = new ConnectionCheck(integrations, contexts);
    }

    /**
     * Begins to build an engine.
     *
     * @param database the application's connections
     * @param credentials where secrets come from
     */
    public static Builder builder(DataSource database, CredentialsSource credentials) {
        return new Builder(database, credentials);
    }

    /** Starts to plan and to read; does nothing the second time. */
    public void start() {
        if (closed.get()) {
            throw new IllegalStateException("this engine was closed; build a new one");
        }
        if (!started.compareAndSet(false, true)) {
            return;
        }
        loops.add(new BackgroundLoop("integrations", this::lookAndWait, (what, failure) -> {}));
        loops.add(new BackgroundLoop(
                "sync-heartbeat",
                () -> {
                    runs.beat();
                    beat.await(BEAT);
                },
                (what, failure) -> {}));
        loops.forEach(BackgroundLoop::start);
    }

    private void lookAndWait() throws SQLException, InterruptedException {
        planner.plan();
        claim();
        look.await(LOOK);
    }

    private void claim() throws SQLException {
        int free = runs.free();
        if (free > 0) {
            List<ClaimedRun> claimed = store.claim(free);
            moreMayWait = claimed.size() == free;
            claimed.forEach(runs::start);
        }
    }

    /** What waits for room gets it at once: at a look a second, a thousand short runs would take minutes. */
    private void runEnded() {
        if (moreMayWait) {
            look.give();
        }
    }

    /** Plans and claims what is due, and waits until nothing of it runs any more: for tests, instead of {@link #start()}. */
    public void runDueOnce() throws SQLException, InterruptedException {
        planner.plan();
        // A new interval is worked out by the first look and due at the second.
        planner.plan();
        claim();
        runs.await();
    }

    /** Looks for runs now instead of within a second. */
    public void wake() {
        look.give();
    }

    /** What can be connected. */
    public Connectors connectors() {
        return connectors;
    }

    /** How many runs this node carries out at this moment. */
    public int running() {
        return runs.running();
    }

    /**
     * Proves that an integration's configuration and credentials work.
     *
     * @return what came of it; empty if there is no such integration
     */
    public Optional<ConnectionCheck.Outcome> check(UUID integration) throws SQLException, InterruptedException {
        return check.check(integration);
    }

    /** Receives what was pushed; see {@link PushReceiver#receive}. */
    public Optional<PushReceiver.Outcome> receive(UUID integration, PushRequest request) throws SQLException {
        return pushes.receive(integration, request);
    }

    /** Stops: what runs is given back, so that another node goes on at once. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        loops.forEach(BackgroundLoop::end);
        look.give();
        beat.give();
        try {
            for (BackgroundLoop loop : loops) {
                loop.stop(Duration.ofSeconds(5));
            }
            runs.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            network.close();
        }
    }

    /** What an engine is made of. */
    public static final class Builder {
        private final DataSource database;
        private final CredentialsSource credentials;
        private Connectors connectors = Connectors.onClassPath();
        private AddressPolicy addresses = AddressPolicy.PUBLIC_ONLY;
        private HostResolver resolver = new SystemResolver();
        private Clock clock = Clock.systemUTC();
        private Function<String, OperatorSettings> operator = connector -> OperatorSettings.NONE;
        private int maxRuns = 8;

        private Builder(DataSource database, CredentialsSource credentials) {
            this.database = database;
            this.credentials = credentials;
        }

        /** Which connectors there are; otherwise those on the class path. */
        public Builder connectors(Connectors some) {
            this.connectors = some;
            return this;
        }

        /** What may be connected to; otherwise public addresses alone. */
        public Builder addresses(AddressPolicy policy) {
            this.addresses = policy;
            return this;
        }

        /** Finds addresses; otherwise this machine's resolver. */
        public Builder resolver(HostResolver other) {
            this.resolver = other;
            return this;
        }

        /** What time connectors go by; otherwise this machine's. */
        public Builder clock(Clock other) {
            this.clock = other;
            return this;
        }

        /** What the operator says to the connectors of a name, such as which folders may be read; otherwise nothing. */
        public Builder operatorSettings(Function<String, OperatorSettings> ofConnector) {
            this.operator = ofConnector;
            return this;
        }

        /** How many runs at once, 1 to 1,000; otherwise 8. */
        public Builder maxRuns(int most) {
            if (most < 1 || most > 1_000) {
                throw new IllegalArgumentException("maxRuns must be from 1 to 1000, it is " + most);
            }
            this.maxRuns = most;
            return this;
        }

        /** The engine, not started. */
        public IntegrationEngine build() {
            return new IntegrationEngine(this);
        }
    }
}
