package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.DeliveryListener;
import dev.posthorn.delivery.accept.AcceptedEvent;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.SystemResolver;
import dev.posthorn.delivery.background.BackgroundLoop;
import dev.posthorn.delivery.background.Signal;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.DeliveryClaimer;
import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.claim.LaneSweeper;
import dev.posthorn.delivery.claim.SleepProtocol;
import dev.posthorn.delivery.endpoint.EndpointProfiles;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.outage.ControlLookup;
import dev.posthorn.delivery.outage.Fault;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.send.EgressProxy;
import dev.posthorn.delivery.send.RequestSender;
import dev.posthorn.delivery.session.ServiceSession;
import dev.posthorn.delivery.settle.OutcomeRecorder;
import dev.posthorn.delivery.sign.RequestSigner;
import dev.posthorn.delivery.store.EventStore;
import dev.posthorn.delivery.store.GroupCommit;
import dev.posthorn.delivery.store.StoredEvent;
import dev.posthorn.delivery.upkeep.Heartbeat;
import dev.posthorn.delivery.upkeep.KeyWatch;
import dev.posthorn.delivery.upkeep.Upkeep;
import dev.posthorn.schema.Migrator;
import dev.posthorn.vault.EndpointSecrets;
import dev.posthorn.vault.MasterKeyset;
import dev.posthorn.vault.VaultNode;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * One node: takes what is due from the database, sends it, records what came of it. Thread-safe; {@link #start()} and {@link #close()}
 * may be called more than once.
 *
 * <p>Needs a migrated database, and connections whose login may {@code SET ROLE posthorn_service}. Any number of nodes may run on one
 * database. Instead of starting it, a test may turn it by hand with {@link #runDueOnce()}.
 */
public final class DeliveryEngine implements AutoCloseable {
    private static final Duration POLL = Duration.ofSeconds(1);
    private static final Duration POLL_WITHOUT_NOTIFICATIONS = Duration.ofMillis(100);
    private static final Duration BEAT = Duration.ofSeconds(1);
    private static final Duration SCHEMA_LOOK = Duration.ofSeconds(10);

    private final Builder settings;
    private final ServiceSession session;
    private final Heartbeat heartbeat;
    private final HeldDeliveries held = new HeldDeliveries();
    private final OwnSide ownSide;
    private final RequestSender sender;
    private final LaneSweeper sweeper;
    private final Flow flow;
    private final Upkeep upkeep;
    private final KeyWatch keys;
    private final GroupCommit events;
    private final ExecutorService threads = Executors.newThreadPerTaskExecutor(
            Thread.ofVirtual().name("posthorn-send-", 0).factory());
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();
    /** Deliveries have come back into the queue, where nobody looks for what is new. */
    private final Signal cameBack = new Signal();

    private final Signal heart = new Signal();
    private final Signal networkLook = new Signal();
    private final Signal schemaLook = new Signal();
    /** How many outcomes wait for an endpoint that somebody has locked. */
    private final AtomicInteger lockedOut = new AtomicInteger();

    private final List<BackgroundLoop> loops = new ArrayList<>();
    private volatile @Nullable SchemaWatch schemaWatch;
    private @Nullable DispatchLoop dispatch;
    private @Nullable NotificationLoop notifications;

    private DeliveryEngine(Builder settings) {
        this.settings = settings;
        this.session = new ServiceSession(settings.database);
        ServiceSession own = settings.ownConnections == null ? session : new ServiceSession(settings.ownConnections);
        EndpointSecrets secrets = new EndpointSecrets(settings.masterKey);
        this.heartbeat = new Heartbeat(own, settings.version);
        this.ownSide = new OwnSide(settings.control(), settings.proxy != null);
        HostResolver resolver = settings.resolver == null ? new SystemResolver() : settings.resolver;
        this.sender = new RequestSender(settings.addresses, resolver, settings.authorities, settings.proxy, ownSide);
        EndpointProfiles profiles = new EndpointProfiles(session, secrets);
        this.sweeper = new LaneSweeper(session);
        this.flow = new Flow(
                heartbeat,
                held,
                new DeliveryClaimer(session, held, sweeper),
                profiles,
                new RequestSigner(profiles, settings.version),
                sender,
                ownSide,
                new OutcomeRecorder(session),
                settings.listener);
        this.upkeep = new Upkeep(session, secrets);
        this.keys = new KeyWatch(session, new VaultNode(settings.masterKey));
        this.events = new GroupCommit(new EventStore(session));
    }

    /**
     * Begins to build an engine.
     *
     * @param database the application's connections; any pool, in any state
     * @param masterKey what opens the endpoints' secrets
     */
    public static Builder builder(DataSource database, MasterKeyset masterKey) {
        return new Builder(database, masterKey);
    }

    /**
     * Starts to send.
     *
     * @throws dev.posthorn.schema.SchemaException if the database is not migrated, or by a newer Posthorn to a schema that no longer
     *     serves this version
     */
    public void start() {
        if (closed.get()) {
            throw new IllegalStateException("this engine was closed; build a new one");
        }
        if (!started.compareAndSet(false, true)) {
            return;
        }
        Migrator migrator = new Migrator(settings.database);
        migrator.requireCurrent();
        SchemaWatch watch = new SchemaWatch(migrator);
        schemaWatch = watch;
        BlockingQueue<AttemptOutcome> outcomes = new LinkedBlockingQueue<>();
        DispatchLoop dispatching = new DispatchLoop(
                flow,
                heartbeat,
                held,
                () -> keys.problem().isEmpty(),
                cameBack::give,
                new SleepProtocol(session),
                threads,
                outcomes::add,
                settings.slots,
                lockedOut::get,
                settings.ownConnections == null ? POLL_WITHOUT_NOTIFICATIONS : POLL);
        SettleLoop settle = new SettleLoop(flow, held, outcomes, lockedOut, dispatching::ended);
        SweepLoop sweep =
                new SweepLoop(sweeper, cameBack, () -> !closed.get() && dispatching.mayClaim(), dispatching::swept);
        UpkeepLoop chores = new UpkeepLoop(upkeep, heartbeat, held, keys, cameBack::give);
        dispatch = dispatching;
        add("dispatch", dispatching::step);
        add("sweep", sweep::step);
        add("settle", settle::step);
        add("upkeep", chores::step);
        add("heartbeat", () -> {
            if (heartbeat.beat()) {
                chores.reconcile();
            }
            heart.await(BEAT);
        });
        add("network", () -> {
            if (ownSide.recheck()) {
                cameBack.give();
            }
            networkLook.await(BEAT);
        });
        add("schema", () -> {
            dispatching.pause(!watch.look());
            schemaLook.await(SCHEMA_LOOK);
        });
        if (settings.ownConnections != null) {
            NotificationLoop listening =
                    new NotificationLoop(settings.ownConnections, dispatching::wake, cameBack::give, chores::wake);
            notifications = listening;
            add("listen", listening::step);
        }
        loops.forEach(BackgroundLoop::start);
    }

    /** Whether it is running, reaches its database and can send. */
    public boolean isReady() {
        return trouble().isEmpty();
    }

    /** Why it is not ready, in a sentence for the operator; empty if it is. */
    public Optional<String> trouble() {
        if (!started.get() || closed.get()) {
            return Optional.of("the engine does not run");
        }
        if (!heartbeat.isHeard()) {
            return Optional.of("the database cannot be reached");
        }
        Optional<String> lackingKey = keys.problem();
        if (lackingKey.isPresent()) {
            return lackingKey;
        }
        SchemaWatch watch = schemaWatch;
        Optional<String> outdated = watch == null ? Optional.empty() : watch.trouble();
        return outdated.isPresent() ? outdated : ownSide.trouble().map(Fault::sentence);
    }

    /** How many deliveries are under way here. */
    public int inFlight() {
        return held.size();
    }

    /**
     * Stores accepted events and wakes this node; durable once it returns. What many threads bring at the same moment shares one
     * transaction.
     *
     * @return one answer per event, in their order
     * @throws SQLException if the database cannot be reached
     * @throws InterruptedException while waiting; whether the events are stored is then not known
     */
    public List<StoredEvent> queue(List<AcceptedEvent> accepted) throws SQLException, InterruptedException {
        List<StoredEvent> stored = events.store(accepted);
        DispatchLoop dispatching = dispatch;
        if (dispatching != null) {
            dispatching.wake();
        }
        return stored;
    }

    /**
     * Does by hand, and waits for, what a running engine does by itself: upkeep, then everything that is due by the database's clock.
     *
     * @return how many attempts were made
     * @throws IllegalStateException if the engine was started
     */
    public int runDueOnce() throws SQLException, InterruptedException {
        if (started.get()) {
            throw new IllegalStateException("this engine runs by itself");
        }
        ownSide.recheck();
        heartbeat.beat();
        upkeep.ensureSecrets();
        upkeep.maintain();
        upkeep.settleBacklogs();
        upkeep.advanceRedeliveries();
        // All that may have taken longer than a lease lasts.
        heartbeat.beat();
        int attempts = 0;
        List<ClaimedDelivery> claimed = flow.claimProbes(settings.slots);
        while (true) {
            heartbeat.beat();
            if (flow.isCutOff()) {
                return attempts;
            }
            if (claimed.isEmpty()) {
                sweeper.sweep();
                claimed = flow.lookAndClaim(settings.slots, true);
            }
            if (claimed.isEmpty()) {
                return attempts;
            }
            List<Future<AttemptOutcome>> sending = new ArrayList<>(claimed.size());
            for (ClaimedDelivery delivery : claimed) {
                sending.add(threads.submit(() -> flow.attempt(delivery)));
            }
            List<AttemptOutcome> outcomes = new ArrayList<>(claimed.size());
            for (Future<AttemptOutcome> future : sending) {
                try {
                    outcomes.add(future.get());
                } catch (ExecutionException e) {
                    throw new IllegalStateException(e.getCause());
                }
            }
            flow.settle(outcomes, Duration.ZERO);
            flow.ended(claimed.stream().map(ClaimedDelivery::lane).toList());
            attempts += (int) outcomes.stream()
                    .filter(outcome -> !(outcome instanceof AttemptOutcome.Unsent))
                    .count();
            claimed = List.of();
        }
    }

    /** Stops: claims nothing more, lets what is under way end for up to the stop timeout, records it and gives the rest back. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            stopLoops();
            heartbeat.signOff();
            keys.leave();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (SQLException e) {
            // The database will notice by itself, 4 seconds after the last beat.
            settings.listener.failed("sign off", e);
        } finally {
            threads.shutdownNow();
            sender.close();
        }
    }

    private void stopLoops() throws InterruptedException, SQLException {
        if (loops.isEmpty()) {
            return;
        }
        DispatchLoop dispatching = dispatch;
        if (dispatching != null) {
            dispatching.wake();
        }
        loops.get(0).stop(Duration.ofSeconds(2));
        long end = System.nanoTime() + settings.stopTimeout.toNanos();
        Signal never = new Signal();
        while (held.size() > lockedOut.get() && System.nanoTime() < end) {
            never.await(Duration.ofMillis(20));
        }
        // All are told before one is waited for: else their pauses add up.
        loops.forEach(BackgroundLoop::end);
        heart.give();
        networkLook.give();
        schemaLook.give();
        cameBack.give();
        for (BackgroundLoop loop : loops) {
            loop.stop(Duration.ofSeconds(2));
        }
        NotificationLoop listening = notifications;
        if (listening != null) {
            listening.close();
        }
    }

    private void add(String what, BackgroundLoop.Step step) {
        loops.add(new BackgroundLoop(what, step, this::failed));
    }

    private void failed(String what, Exception failure) {
        if (failure instanceof SQLException refused) {
            heartbeat.doubt(refused);
            heart.give();
        }
        settings.listener.failed(what, failure);
    }

    /** What an engine is made of; everything but database and master key has a default. */
    public static final class Builder {
        private final DataSource database;
        private final MasterKeyset masterKey;
        private @Nullable DataSource ownConnections;
        private AddressPolicy addresses = AddressPolicy.PUBLIC_ONLY;
        private @Nullable HostResolver resolver;
        private @Nullable String controlName;
        private TrustedAuthorities authorities = TrustedAuthorities.SYSTEM;
        private @Nullable EgressProxy proxy;
        private DeliveryListener listener = new DeliveryListener() {};
        private Duration stopTimeout = Duration.ofSeconds(20);
        private int slots = 1024;
        private String version = "0.1.0";

        private Builder(DataSource database, MasterKeyset masterKey) {
            this.database = database;
            this.masterKey = masterKey;
        }

        /**
         * Connections besides the application's pool, not through a transaction pooler, of which two are used: one listens, one beats.
         * Without them the engine looks for work every 100 ms.
         */
        public Builder ownConnections(DataSource connections) {
            this.ownConnections = connections;
            return this;
        }

        /** Where may be sent to; public addresses only unless said otherwise. */
        public Builder addresses(AddressPolicy policy) {
            this.addresses = policy;
            return this;
        }

        /** How names are resolved; as this machine does, unless said otherwise. */
        public Builder resolver(HostResolver names) {
            this.resolver = names;
            return this;
        }

        /**
         * A domain below which names that nobody has are asked for, to tell a name service that does not answer from one broken zone: what is
         * answered does not matter. {@code example.com} unless said otherwise; none with a resolver of one's own.
         *
         * @param domain one of the machine's name servers knows, or {@code dns://server[:port]/domain}; empty where there is neither a name
         *     service nor a way to the internet, so that no failure is blamed on their absence
         * @throws IllegalArgumentException if it is malformed
         */
        public Builder controlName(String domain) {
            if (!domain.isEmpty()) {
                var unused = new ControlLookup(domain);
            }
            this.controlName = domain;
            return this;
        }

        private @Nullable ControlLookup control() {
            String domain = controlName != null ? controlName : resolver == null ? "example.com" : "";
            return domain.isEmpty() ? null : new ControlLookup(domain);
        }

        /** By which certification authorities servers are believed; those of this Java, unless said otherwise. */
        public Builder trust(TrustedAuthorities trusted) {
            this.authorities = trusted;
            return this;
        }

        /** Through which proxy everything is sent; none unless said otherwise, whatever system properties say. */
        public Builder egressProxy(EgressProxy through) {
            this.proxy = through;
            return this;
        }

        /** Who hears what the engine does. */
        public Builder listener(DeliveryListener hearer) {
            this.listener = hearer;
            return this;
        }

        /** How long {@link DeliveryEngine#close()} waits for what is under way; 20 seconds unless said otherwise. */
        public Builder stopTimeout(Duration timeout) {
            this.stopTimeout = timeout;
            return this;
        }

        /** How many deliveries may be under way at once on this node; 1,024 unless said otherwise. */
        public Builder maxInFlight(int deliveries) {
            if (deliveries < 1) {
                throw new IllegalArgumentException("max in flight must be at least 1");
            }
            this.slots = deliveries;
            return this;
        }

        /** The engine, not started. */
        public DeliveryEngine build() {
            return new DeliveryEngine(this);
        }
    }
}
