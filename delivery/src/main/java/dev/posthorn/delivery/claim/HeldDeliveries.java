package dev.posthorn.delivery.claim;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** What this node has claimed and not yet settled: the one count of what is under way. Thread-safe. */
public final class HeldDeliveries {
    private final Map<UUID, ClaimedDelivery> held = new ConcurrentHashMap<>();
    private final Map<UUID, Integer> perLane = new ConcurrentHashMap<>();
    private volatile Lease newest = new Lease(new UUID(0, 0), 0);

    /** Takes over what a claim returned, nothing if it failed; only then is the lease one that {@link #newestLease()} speaks of. */
    public void add(Lease lease, List<ClaimedDelivery> claimed) {
        for (ClaimedDelivery delivery : claimed) {
            ClaimedDelivery earlier = held.put(delivery.id(), delivery);
            perLane.merge(delivery.lane(), 1, Integer::sum);
            if (earlier != null) {
                // Its lease was lost and it was claimed anew: what may still run of it is no longer spoken of.
                leave(earlier);
            }
        }
        newest = lease;
    }

    /** Forgets what was settled, unless it was claimed anew meanwhile. */
    public void remove(Collection<ClaimedDelivery> settled) {
        for (ClaimedDelivery delivery : settled) {
            if (held.remove(delivery.id(), delivery)) {
                leave(delivery);
            }
        }
    }

    private void leave(ClaimedDelivery delivery) {
        perLane.computeIfPresent(delivery.lane(), (lane, count) -> count == 1 ? null : count - 1);
    }

    /** How many there are. */
    public int size() {
        return held.size();
    }

    /** How many of a lane there are. */
    int ofLane(UUID lane) {
        return perLane.getOrDefault(lane, 0);
    }

    /** The newest claim whose deliveries are all in here, as long as they are not settled. */
    public Lease newestLease() {
        return newest;
    }

    /** Their ids. */
    public UUID[] ids() {
        return held.keySet().toArray(new UUID[0]);
    }
}
