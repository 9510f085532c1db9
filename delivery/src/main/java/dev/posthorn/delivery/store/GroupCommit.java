package dev.posthorn.delivery.store;

import dev.posthorn.delivery.accept.AcceptedEvent;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Stores what many callers bring at the same moment in one transaction, so that they share the wait for the disk. Whoever comes while
 * others are being stored goes with the next group; nobody waits for a group to fill. Thread-safe.
 */
public final class GroupCommit {
    /** While one group waits for the disk another one is written. */
    private static final int MOST_GROUPS_AT_ONCE = 2;

    private static final int MOST_EVENTS = 500;
    private static final long MOST_CHARACTERS = 4 * 1024 * 1024;

    private final EventStore store;
    private final ReentrantLock lock = new ReentrantLock();
    private final Deque<Waiting> waiting = new ArrayDeque<>();
    private int groups;

    private record Waiting(List<AcceptedEvent> events, CompletableFuture<List<StoredEvent>> answer) {
        long characters() {
            long sum = 0;
            for (AcceptedEvent event : events) {
                sum += event.payload().length();
            }
            return sum;
        }
    }

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
        boolean begin;
        lock.lock();
        try {
            waiting.add(mine);
            begin = groups < MOST_GROUPS_AT_ONCE;
            if (begin) {
                groups++;
            }
        } finally {
            lock.unlock();
        }
        if (begin) {
            Thread.ofVirtual().name("posthorn-accept").start(this::storeGroups);
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

    private void storeGroups() {
        for (List<Waiting> group = next(); !group.isEmpty(); group = next()) {
            try {
                answer(group, store.store(all(group)));
            } catch (SQLException | RuntimeException | Error e) {
                if (group.size() > 1 && e instanceof SQLException sql && isAboutTheEvents(sql)) {
                    // Whoever brought what the database does not take spoils nothing for the others.
                    group.forEach(this::storeAlone);
                } else {
                    group.forEach(one -> one.answer().completeExceptionally(e));
                }
            }
        }
    }

    private void storeAlone(Waiting one) {
        try {
            one.answer().complete(store.store(one.events()));
        } catch (SQLException | RuntimeException | Error e) {
            one.answer().completeExceptionally(e);
        }
    }

    /** Data exceptions, violated constraints and our own; a lost connection is everybody's. */
    private static boolean isAboutTheEvents(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("22") || state.startsWith("23") || state.startsWith("PH");
    }

    /** Takes out the next group; if there is none, this worker has ended. */
    private List<Waiting> next() {
        List<Waiting> group = new ArrayList<>();
        int events = 0;
        long characters = 0;
        lock.lock();
        try {
            for (Waiting first = waiting.peek(); first != null; first = waiting.peek()) {
                events += first.events().size();
                characters += first.characters();
                if (!group.isEmpty() && (events > MOST_EVENTS || characters > MOST_CHARACTERS)) {
                    break;
                }
                group.add(waiting.remove());
            }
            if (group.isEmpty()) {
                groups--;
            }
        } finally {
            lock.unlock();
        }
        return group;
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
