package dev.posthorn.delivery.engine;

import dev.posthorn.delivery.background.Signal;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.HeldDeliveries;
import dev.posthorn.delivery.claim.SleepProtocol;
import dev.posthorn.delivery.send.AttemptOutcome;
import dev.posthorn.delivery.upkeep.Heartbeat;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Claims whenever there are free slots and something is due, and sends each delivery on a virtual thread of its own. */
final class DispatchLoop {
    private static final int LARGEST_CLAIM = 500;
    private static final int MOST_PROBES = 20;
    /** A commit that did not see us asleep becomes visible once the disk has it, mostly within moments. */
    private static final List<Duration> LOOKS =
            Stream.of(0, 5, 20, 50, 100, 250, 500).map(Duration::ofMillis).toList();

    /** While something came lately, looking again costs less than falling asleep and being woken by every commit. */
    private static final long DOZING_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final int MOST_DOUBLINGS = 16;
    private static final Duration AFTER_UNSENT = Duration.ofSeconds(1);
    private static final Duration FOR_SLOTS = Duration.ofMillis(20);
    private static final long PROBING_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Flow flow;
    private final Heartbeat heartbeat;
    private final HeldDeliveries held;
    private final BooleanSupplier keysFit;
    private final Runnable sweep;
    private final SleepProtocol sleep;
    private final ExecutorService threads;
    private final Consumer<AttemptOutcome> outcomes;
    private final int slots;
    private final IntSupplier waiting;
    private final Duration poll;
    private final Signal wake = new Signal();
    private final Queue<List<UUID>> ended = new ConcurrentLinkedQueue<>();
    private final AtomicLong arrivals = new AtomicLong();
    private volatile boolean unsent;
    private volatile boolean paused;
    /** When something was last claimed, or came although nothing could be claimed. */
    private long busyNanos = System.nanoTime() - DOZING_NANOS;

    /** How many arrivals there were at the last look. */
    private long lookedFor;

    /** How often in a row something was due and was not brought back. */
    private int passedOver;

    private long noticed;
    private long noticedNanos = System.nanoTime() - DOZING_NANOS;
    private long probedNanos = System.nanoTime() - PROBING_NANOS;
    /** As whom this node said that it sleeps; after a pause of the database it may be somebody new. */
    private @Nullable UUID asleep;

    private interface Look<T> {
        T at(boolean now) throws SQLException;
    }

    /**
     * @param sweep says that something has come back into the queue
     * @param waiting how many outcomes wait for an endpoint that somebody has locked
     */
    DispatchLoop(
            Flow flow,
            Heartbeat heartbeat,
            HeldDeliveries held,
            BooleanSupplier keysFit,
            Runnable sweep,
            SleepProtocol sleep,
            ExecutorService threads,
            Consumer<AttemptOutcome> outcomes,
            int slots,
            IntSupplier waiting,
            Duration poll) {
        this.flow = flow;
        this.heartbeat = heartbeat;
        this.held = held;
        this.keysFit = keysFit;
        this.sweep = sweep;
        this.sleep = sleep;
        this.threads = threads;
        this.outcomes = outcomes;
        this.slots = slots;
        this.waiting = waiting;
        this.poll = poll;
    }

    /** Says that something has been queued. */
    void wake() {
        arrivals.incrementAndGet();
        wake.give();
    }

    /** Says that a sweep has found something. */
    void swept() {
        wake.give();
    }

    /** Says that deliveries are no longer under way: for each the lane that it was taken from. */
    void ended(List<UUID> lanes) {
        ended.add(lanes);
        wake.give();
    }

    /** Lets nothing be claimed any more, or again. */
    void pause(boolean pause) {
        paused = pause;
    }

    /** Whether this node may claim anything. */
    boolean mayClaim() {
        return heartbeat.isFresh() && keysFit.getAsBoolean() && !paused && !flow.isCutOff();
    }

    void step() throws SQLException, InterruptedException {
        if (!mayClaim()) {
            // Others may be well; what was claimed here goes back to them.
            unsent = false;
            wake.await(Duration.ofMillis(100));
            return;
        }
        if (unsent) {
            // What is wrong on our own side will not be better at once.
            unsent = false;
            wake.await(AFTER_UNSENT);
            sweep.run();
        }
        awaitSlots();
        probe();
        noticeArrival();
        if (freeSlots() > 0 && claimAndSend(false) > 0) {
            return;
        }
        if (looking(false, flow::look) || freeSlots() <= 0) {
            return;
        }
        if (arrivals.get() != lookedFor || System.nanoTime() - busyNanos < DOZING_NANOS) {
            // What comes within moments of a look goes with the next one.
            wake.await(Duration.ofNanos(flow.nanosUntilLook()));
            return;
        }
        if (!fallAsleep()) {
            return;
        }
        wake.await(Duration.ofMillis(flow.untilNextOpening(millisUntilDue())));
    }

    /** What is due and was not brought back, somebody has locked: it is waited for longer from time to time, until it is time to poll. */
    private long millisUntilDue() throws SQLException {
        long millis = sleep.untilNextDue(poll).toMillis();
        if (millis > 0) {
            passedOver = 0;
            return millis;
        }
        passedOver = Math.min(passedOver + 1, MOST_DOUBLINGS);
        return passedOver == 1 ? 0 : Math.min(poll.toMillis(), 1L << passedOver);
    }

    /** Returns false if something came up meanwhile. */
    private boolean fallAsleep() throws SQLException, InterruptedException {
        UUID dispatcher = heartbeat.dispatcher();
        if (dispatcher.equals(asleep)) {
            return true;
        }
        sleep.setAsleep(dispatcher, true);
        asleep = dispatcher;
        for (Duration pause : LOOKS) {
            wake.await(pause);
            if (claimAndSend(true) > 0 || looking(false, flow::look)) {
                return false;
            }
        }
        return true;
    }

    /** What waits for a locked endpoint takes no slot from others, up to as many again. */
    private int freeSlots() {
        return slots - held.size() + Math.min(waiting.getAsInt(), slots);
    }

    /** A claim for a few slots costs as much as one for many; but what is slow must not hold back what is not. */
    private void awaitSlots() throws InterruptedException {
        long end = System.nanoTime() + FOR_SLOTS.toNanos();
        while (freeSlots() < Math.max(1, slots / 4)) {
            long left = end - System.nanoTime();
            if (left <= 0) {
                return;
            }
            wake.await(Duration.ofNanos(left));
        }
    }

    /**
     * Something came while this node sleeps. If something had come shortly before, it stays awake: every commit that finds a node asleep
     * has to notify it, and it need not be something that may be sent.
     */
    private void noticeArrival() throws SQLException {
        long now = arrivals.get();
        if (now != noticed && asleep != null) {
            if (System.nanoTime() - noticedNanos < DOZING_NANOS) {
                stayAwake();
            }
            noticedNanos = System.nanoTime();
        }
        noticed = now;
    }

    private void stayAwake() throws SQLException {
        busyNanos = System.nanoTime();
        UUID sleeper = asleep;
        if (sleeper != null) {
            sleep.setAsleep(sleeper, false);
            asleep = null;
        }
    }

    /** @param now look for what has come lately, even if the last look was moments ago */
    private <T> T looking(boolean now, Look<T> look) throws SQLException {
        for (List<UUID> lanes = ended.poll(); lanes != null; lanes = ended.poll()) {
            flow.ended(lanes);
        }
        if (now || flow.nanosUntilLook() <= 0) {
            lookedFor = arrivals.get();
        }
        try {
            return look.at(now);
        } catch (SQLException e) {
            lookedFor = -1;
            throw e;
        }
    }

    private void probe() throws SQLException {
        long now = System.nanoTime();
        if (now - probedNanos >= PROBING_NANOS) {
            probedNanos = now;
            send(flow.claimProbes(MOST_PROBES));
        }
    }

    private int claimAndSend(boolean now) throws SQLException {
        if (paused || flow.isCutOff()) {
            // It may have come while this node was falling asleep.
            return 0;
        }
        int limit = Math.min(freeSlots(), LARGEST_CLAIM);
        List<ClaimedDelivery> claimed = looking(now, atOnce -> flow.lookAndClaim(limit, atOnce));
        // First of all: if the database goes away here, what is held and not sent would be held for ever.
        send(claimed);
        if (!claimed.isEmpty()) {
            stayAwake();
        }
        return claimed.size();
    }

    private void send(List<ClaimedDelivery> claimed) {
        for (ClaimedDelivery delivery : claimed) {
            threads.execute(() -> {
                AttemptOutcome outcome = flow.attempt(delivery);
                if (outcome instanceof AttemptOutcome.Unsent) {
                    unsent = true;
                }
                outcomes.accept(outcome);
            });
        }
    }
}
