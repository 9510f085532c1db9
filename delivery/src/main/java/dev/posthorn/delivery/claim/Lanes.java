package dev.posthorn.delivery.claim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.UUID;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a node knows of the lanes: in which ones something may be claimable, whose turn it is, and from which place on each is to be read.
 * A lane is an endpoint, or a key of an ordered one. For one thread.
 *
 * <p>A <em>mark</em> is a place in a lane before which nothing waits or is under way. It spares a claim the dead entries at the lane's
 * head, of which a held snapshot lets many pile up. It trails: it never passes a place that an open transaction may still fill, unless that
 * one stays open for long: what it fills is found by a sweep.
 *
 * <p>That would break an order. So the mark of an ordered lane is <em>strict</em>: it waits for the transaction however long, and for what is
 * to come back to its old place. Of a lane of which nothing is known yet the mark is the beginning, which is strict.
 *
 * <p>All marks are forgotten when the <em>epoch</em> changes: PostgreSQL has crashed, and results and places that had been seen may be lost.
 */
final class Lanes {
    /** So many places behind the newest one are passed even if an open transaction may fill them: the sweep finds what it fills. */
    private static final long FURTHEST_BEHIND = 20_000;

    private static final long LONGEST_WAIT_NANOS = 10_000_000_000L;
    private static final int MOST_MARKS = 100_000;
    private static final long SHORTEST_RETRY_NANOS = 25_000_000;
    private static final int MOST_DOUBLINGS = 5;
    private static final int ASKED_FOR_A_TOKEN = 32;
    private static final long NEXT_IN_LINE_NANOS = 5_000_000;
    private static final int MOST_MISSED = 20;

    /** Those in which something may be claimable, in the order of their turn. */
    private final Map<UUID, Mark> open = new LinkedHashMap<>();
    /** Where the others are to be read from, once they open; the least lately used ones are forgotten, which is always safe. */
    private final Map<UUID, Mark> marks = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<UUID, Mark> eldest) {
            return size() > MOST_MARKS;
        }
    };

    /** Those from which something was claimed since they were last looked at. */
    private final Set<UUID> used = new LinkedHashSet<>();

    /** How often in a row others held everything that a lane may give. */
    private final Map<UUID, Integer> contended = new HashMap<>();

    private final PriorityQueue<Later> later = new PriorityQueue<>(Comparator.comparingLong(Later::nanos));
    /** Those that open at a moment, whose opening counts of the two or more that {@link #later} may have for it. */
    private final Map<UUID, Later> awaited = new HashMap<>();
    /** Those whose rate limit has nothing left, and the endpoint whose limit it is. */
    private final Map<UUID, UUID> paced = new HashMap<>();
    /** They wait by endpoint: however many keys one has, only some are asked when it gets a token, in turn. */
    private final Map<UUID, Line> lines = new HashMap<>();
    /** Those of which as many were under way, when they were last asked, as they allow: more of them can go only once one has ended. */
    private final Set<UUID> saturated = new HashSet<>();
    /** Those of which that is not known, because a claim that became full before said nothing of them. */
    private final Set<UUID> unclear = new HashSet<>();

    private final Deque<Sample> samples = new ArrayDeque<>();
    private @Nullable Sample safe;
    /** Up to here no transaction can fill a place any more. */
    private @Nullable Sample sure;
    /** Will be that once all transactions of its time have ended. */
    private @Nullable Sample nextSure;

    private @Nullable UUID epoch;
    private final ToIntFunction<UUID> held;

    private record Mark(long place, boolean strict) {
        static final Mark BEGINNING = new Mark(0, true);

        Mark atMost(long highest) {
            return place <= highest ? this : new Mark(highest, strict);
        }

        Mark atLeast(long lowest) {
            return place >= lowest ? this : new Mark(lowest, strict);
        }

        /** For a lane that turned out to be ordered or not. */
        Mark of(boolean ordered) {
            return strict == ordered ? this : ordered ? BEGINNING : new Mark(place, false);
        }
    }

    /** @param lane or the endpoint whose {@link #lines line} moves on */
    private record Later(UUID lane, long nanos) {}

    /** The lanes of one endpoint that wait for its tokens, the first one first. */
    private static final class Line {
        final Set<UUID> lanes = new LinkedHashSet<>();

        @Nullable
        Later opening;
    }

    /**
     * What was seen at one moment.
     *
     * @param millis database time
     * @param position the last place in the queue that had been given
     * @param nextXid whoever draws a place later has a transaction id from here on
     * @param nanos {@link System#nanoTime()}
     */
    record Sample(long millis, long position, long nextXid, long nanos) {}

    /**
     * A lane.
     *
     * @param mark where it is to be read from
     * @param strict whether that holds for an ordered lane too
     * @param held how many of its deliveries are under way on this node
     */
    record Turn(UUID lane, long mark, boolean strict, int held) {}

    /** @param held tells how many deliveries of a lane are under way on this node */
    Lanes(ToIntFunction<UUID> held) {
        this.held = held;
    }

    /** Something new may be claimable in a lane; that says nothing where it is known that nothing of it can go now. */
    void arrived(UUID lane) {
        if (!awaited.containsKey(lane)
                && !paced.containsKey(lane)
                && !(saturated.contains(lane) && held.applyAsInt(lane) > 0)) {
            open(lane);
        }
    }

    /** A delivery of a lane is no longer under way here, so that another one of it may go. */
    void ended(UUID lane) {
        boolean full = saturated.remove(lane);
        boolean perhaps = unclear.remove(lane);
        if ((full || perhaps) && !paced.containsKey(lane)) {
            open(lane);
        }
    }

    private void open(UUID lane) {
        if (!open.containsKey(lane)) {
            Mark mark = marks.remove(lane);
            open.put(lane, mark == null ? Mark.BEGINNING : mark);
        }
    }

    /**
     * Something may be claimable in a lane whatever is known of it, and from a place on that may lie before the mark. Only for a token it
     * waits all the same.
     */
    void openFrom(UUID lane, long place) {
        if (!paced.containsKey(lane)) {
            open(lane);
        }
        (open.containsKey(lane) ? open : marks).computeIfPresent(lane, (same, mark) -> mark.atMost(place - 1));
    }

    /** A sweep has seen something in these lanes. Of those that wait for a token the first are asked: the limit may have been lifted. */
    void swept(List<LaneSweeper.Head> heads, long nanos) {
        Map<UUID, Line> waiting = new HashMap<>();
        for (LaneSweeper.Head head : heads) {
            openFrom(head.lane(), head.place());
            UUID endpoint = paced.get(head.lane());
            Line line = endpoint == null ? null : lines.get(endpoint);
            if (line != null) {
                waiting.put(endpoint, line);
            }
        }
        waiting.forEach((endpoint, line) -> openFirst(endpoint, line, ASKED_FOR_A_TOKEN, nanos));
    }

    /** The rate limit of an endpoint has nothing left for a lane of it before that moment of {@link System#nanoTime()}. */
    void pacedUntil(UUID endpoint, UUID lane, long nanos) {
        Line line = lines.computeIfAbsent(endpoint, none -> new Line());
        line.lanes.add(lane);
        paced.put(lane, endpoint);
        moveOn(endpoint, line, nanos);
    }

    private void leaveLine(UUID lane) {
        UUID endpoint = paced.remove(lane);
        Line line = endpoint == null ? null : lines.get(endpoint);
        if (line != null) {
            line.lanes.remove(lane);
            if (line.lanes.isEmpty()) {
                lines.remove(endpoint);
            }
        }
    }

    private void moveOn(UUID endpoint, Line line, long nanos) {
        if (line.opening != null && line.opening.nanos() == nanos) {
            return;
        }
        Later opening = new Later(endpoint, nanos);
        line.opening = opening;
        later.add(opening);
    }

    /** Opens some of those that wait for the tokens of an endpoint. The others follow soon, unless a claim tells a moment before. */
    private void openFirst(UUID endpoint, Line line, int many, long nanos) {
        Iterator<UUID> first = line.lanes.iterator();
        for (int i = 0; i < many && first.hasNext(); i++) {
            UUID lane = first.next();
            first.remove();
            paced.remove(lane);
            open(lane);
        }
        if (line.lanes.isEmpty()) {
            lines.remove(endpoint);
        } else {
            moveOn(endpoint, line, nanos + NEXT_IN_LINE_NANOS);
        }
    }

    private void openAt(UUID lane, long nanos) {
        Later known = awaited.get(lane);
        if (known == null || nanos - known.nanos() < 0) {
            Later sooner = new Later(lane, nanos);
            awaited.put(lane, sooner);
            later.add(sooner);
        }
    }

    /** Other nodes hold everything that a lane may give at once; nobody tells when they let go. */
    void heldByOthers(UUID lane, long nanos) {
        if (contended.size() >= MOST_MARKS) {
            contended.clear();
        }
        int times = Math.min(contended.merge(lane, 1, Integer::sum), MOST_DOUBLINGS);
        openAt(lane, nanos + (SHORTEST_RETRY_NANOS << times));
    }

    /** Opens what has waited for its moment. */
    void openWaiting(long nanos) {
        for (Later first = later.peek(); first != null && first.nanos() - nanos <= 0; first = later.peek()) {
            later.remove();
            Line line = lines.get(first.lane());
            if (line != null && first.equals(line.opening)) {
                // A claim that took longer than that has kept the next ones waiting.
                long missed = Math.min((nanos - first.nanos()) / NEXT_IN_LINE_NANOS, MOST_MISSED);
                openFirst(first.lane(), line, ASKED_FOR_A_TOKEN * (1 + (int) missed), nanos);
            } else if (awaited.remove(first.lane(), first) && !paced.containsKey(first.lane())) {
                open(first.lane());
            }
        }
    }

    /** When the next lane opens by itself, by {@link System#nanoTime()}; null if none does. */
    @Nullable
    Long nextOpening() {
        Later first = later.peek();
        return first == null ? null : first.nanos();
    }

    boolean anyOpen() {
        return !open.isEmpty();
    }

    /** The first lanes in the order of their turn. */
    List<Turn> turns(int atMost) {
        List<Turn> turns = new ArrayList<>(Math.min(atMost, open.size()));
        for (Map.Entry<UUID, Mark> lane : open.entrySet()) {
            if (turns.size() == atMost) {
                break;
            }
            turns.add(turn(lane.getKey(), lane.getValue()));
        }
        return turns;
    }

    private Turn turn(UUID lane, Mark mark) {
        return new Turn(lane, mark.place(), mark.strict(), held.applyAsInt(lane));
    }

    /**
     * Tells what a claim brought. One that was not full has taken all that its lanes may give now: they are closed until something opens
     * them again. After a full one those that gave something go to the end of the line, and only those that gave nothing are closed.
     *
     * @param asked the lanes of the claim, in its order
     * @param gave those of them from which something was claimed, and whether that is ordered
     * @param limited those of them of which as many are under way now as may be
     * @param cutShort whether the claim may have ended before it had asked them all
     */
    void asked(List<Turn> asked, Map<UUID, Boolean> gave, Collection<UUID> limited, boolean cutShort) {
        int last = asked.size() - 1;
        while (cutShort && last >= 0 && !gave.containsKey(asked.get(last).lane())) {
            last--;
        }
        for (Turn turn : asked.subList(0, last + 1)) {
            UUID lane = turn.lane();
            Boolean ordered = gave.get(lane);
            boolean given = ordered != null;
            Mark mark = open.remove(lane);
            if (mark != null) {
                (cutShort && given ? open : marks).put(lane, ordered == null ? mark : mark.of(ordered));
            }
            leaveLine(lane);
            awaited.remove(lane);
            if (given) {
                used.add(lane);
                contended.remove(lane);
            }
            set(saturated, lane, limited.contains(lane));
            set(unclear, lane, cutShort && !given && turn.held() > 0);
        }
    }

    private static void set(Set<UUID> lanes, UUID lane, boolean contained) {
        if (contained) {
            lanes.add(lane);
        } else {
            lanes.remove(lane);
        }
    }

    /** Takes out some of the lanes whose marks may be moved on. */
    List<Turn> toObserve(int atMost) {
        List<Turn> turns = new ArrayList<>(Math.min(atMost, used.size()));
        for (Iterator<UUID> next = used.iterator(); next.hasNext() && turns.size() < atMost; ) {
            UUID lane = next.next();
            next.remove();
            Mark mark = open.getOrDefault(lane, marks.get(lane));
            if (mark != null) {
                turns.add(turn(lane, mark));
            }
        }
        return turns;
    }

    /**
     * Moves the marks on; or forgets them in a new epoch.
     *
     * @param now the epoch in which that was seen
     * @param seen what was seen now
     * @param oldestXid whoever has a transaction id below it has ended
     * @param observed lanes and the marks with which they were looked at
     * @param heads the first place of each at which something stands, or to which something may come back; null if there is none
     */
    void observed(UUID now, Sample seen, long oldestXid, List<Turn> observed, @Nullable Long[] heads) {
        boolean forget = epoch != null && !now.equals(epoch);
        epoch = now;
        if (forget) {
            open.replaceAll((lane, mark) -> Mark.BEGINNING);
            marks.clear();
            samples.clear();
            samples.add(seen);
            safe = null;
            sure = null;
            nextSure = seen;
            return;
        }
        samples.add(seen);
        for (Iterator<Sample> older = samples.iterator(); older.hasNext(); ) {
            Sample sample = older.next();
            boolean ended = oldestXid >= sample.nextXid();
            if (!ended
                    && seen.position() - sample.position() <= FURTHEST_BEHIND
                    && seen.nanos() - sample.nanos() <= LONGEST_WAIT_NANOS) {
                break;
            }
            safe = sample;
            older.remove();
        }
        Sample waiting = nextSure;
        if (waiting == null || oldestXid >= waiting.nextXid()) {
            sure = waiting;
            nextSure = seen;
        }
        for (int i = 0; i < heads.length; i++) {
            Turn turn = observed.get(i);
            Sample horizon = turn.strict() ? sure : safe;
            if (horizon != null) {
                Long head = heads[i];
                long mark = head == null ? horizon.position() : Math.min(head - 1, horizon.position());
                (open.containsKey(turn.lane()) ? open : marks)
                        .computeIfPresent(turn.lane(), (lane, old) -> old.atLeast(mark));
            }
        }
    }

    /** In which the marks are true; null before anything was seen. */
    @Nullable
    UUID epoch() {
        return epoch;
    }

    /** Up to when everything that was queued has been seen, or will be by a sweep, in milliseconds of database time; 0 if unknown. */
    long safeMillis() {
        Sample horizon = safe;
        return horizon == null ? 0 : horizon.millis();
    }
}
