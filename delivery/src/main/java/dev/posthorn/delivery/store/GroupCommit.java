package dev.posthorn.delivery.store;

import dev.posthorn.delivery.accept.AcceptedEvent;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Stores what many callers bring at the same moment in one transaction, so that they share its cost and the wait for the disk. Whoever comes
 * while others are being stored goes with the next group; nobody waits for a group to fill. Thread-safe.
 */
public final class GroupCommit {
    private static final int MOST_EVENTS = 500;
    private static final long MOST_CHARACTERS = 4 * 1024 * 1024;

    /**
     * So many events are worth a second transaction beside the one that is being written; fewer wait for its end. Without this rule a busy
     * machine, on which requests come as slowly as it can read them, would write each in a transaction of its own, and be busy with that.
     */
    private static final int WORTH_A_SECOND = 100;

    /** A group that takes longer waits for a key that a transaction of others holds, or for a slow disk: another one goes beside it. */
    private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private static final int MOST_GROUPS = 8;

    private final EventStore store;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private int waitingEvents;
    /** When each group that is being written was begun. */
    private final List<Long> running = new ArrayList<>();

    private record Waiting(List<AcceptedEvent> events, CompletableFuture<List<StoredEvent>> answer) {
        long characters() {
            long sum = 0;
            for (AcceptedEvent event : events) {
                sum += event.payload().length();
            }
            return sum;
        }

        boolean hasKeys() {
            return events.stream().anyMatch(event -> event.idempotencyKey() != null);
        }
    }

    private record Group(List<Waiting> members, long begun) {}

    /** Groups what goes into the given store. */
    public GroupCommit(EventStore store) {
        this.store = store;
    }

    /**
     * Stores all events, or refuses some of them; durable once it returns.
     *
     * @return one answer per event, in their order
     * @throws SQLException as {@link EventStore#store}, for these events alone
     * @throws InterruptedException while waiting; whether the events are stored is then not known
     */
    public List<StoredEvent> store(List<AcceptedEvent> events) throws SQLException, InterruptedException {
        Waiting mine = new Waiting(events, new CompletableFuture<>());
        Group first = null;
        lock.lock();
        try {
            waiting.add(mine);
            waitingEvents += events.size();
            if (running.size() < MOST_GROUPS && isWorthAnother()) {
                first = takeGroup();
            }
        } finally {
            lock.unlock();
        }
        if (first != null) {
            Group group = first;
            Thread.ofVirtual().name("posthorn-accept").start(() -> storeGroups(group));
        }
        try {
            return mine.answer().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof SQLException sql) {
                throw sql;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Whether what waits should not wait for a group that is being written. */
    private boolean isWorthAnother() {
        long now = System.nanoTime();
        long quick = running.stream().filter(begun -> now - begun <= SLOW_NANOS).count();
        return quick == 0 || (quick == 1 && waitingEvents >= WORTH_A_SECOND);
    }

    private void storeGroups(Group first) {
        for (Group group = first; group != null; group = next(group)) {
            List<Waiting> members = group.members();
            try {
                answer(members, store.store(all(members)));
            } catch (SQLException | RuntimeException | Error e) {
                if (e instanceof SQLException sql && isAboutTheEvents(sql)) {
                    storeApart(members, sql);
                } else {
                    fail(members, e);
                }
            }
        }
    }

    /** Whoever brought what the database does not take, or what another transaction holds, spoils nothing for the others. */
    private void storeApart(List<Waiting> members, SQLException e) {
        if (members.size() == 1) {
            fail(members, e);
            return;
        }
        members.forEach(this::storeAlone);
    }

    private void storeAlone(Waiting one) {
        try {
            one.answer().complete(store.storeAgain(one.events()));
        } catch (SQLException | RuntimeException | Error e) {
            fail(List.of(one), e);
        }
    }

    private static void fail(List<Waiting> members, Throwable e) {
        for (Waiting one : members) {
            if (e instanceof SQLException sql && EventStore.isHeldByOthers(sql) && one.hasKeys()) {
                one.answer().complete(EventStore.heldByOthers(one.events()));
            } else {
                one.answer().completeExceptionally(e);
            }
        }
    }

    /** Data exceptions, violated constraints, waits for a lock that took too long and our own; a lost connection is everybody's. */
    private static boolean isAboutTheEvents(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("22")
                || state.startsWith("23")
                || state.startsWith("PH")
                || EventStore.isHeldByOthers(e);
    }

    /** The next group; null if nothing waits, or others take it. */
    private @Nullable Group next(Group ended) {
        lock.lock();
        try {
            running.remove((Long) ended.begun());
            return !waiting.isEmpty() && isWorthAnother() ? takeGroup() : null;
        } finally {
            lock.unlock();
        }
    }

    private Group takeGroup() {
        List<Waiting> members = new ArrayList<>();
        int events = 0;
        long characters = 0;
        for (Waiting first = waiting.peek(); first != null; first = waiting.peek()) {
            events += first.events().size();
            characters += first.characters();
            if (!members.isEmpty() && (events > MOST_EVENTS || characters > MOST_CHARACTERS)) {
                break;
            }
            members.add(waiting.remove());
            waitingEvents -= first.events().size();
        }
        long begun = System.nanoTime();
        running.add(begun);
        return new Group(members, begun);
    }

    private static List<AcceptedEvent> all(List<Waiting> group) {
        List<AcceptedEvent> all = new ArrayList<>();
        group.forEach(one -> all.addAll(one.events()));
        return all;
    }

    private static void answer(List<Waiting> group, List<StoredEvent> stored) {
        int from = 0;
        for (Waiting one : group) {
            int to = from + one.events().size();
            one.answer().complete(List.copyOf(stored.subList(from, to)));
            from = to;
        }
    }
}
