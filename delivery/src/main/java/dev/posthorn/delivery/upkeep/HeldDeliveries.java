package dev.posthorn.delivery.upkeep;

import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.claim.Lease;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** What this node has claimed and not yet settled. Thread-safe. */
public final class HeldDeliveries {
    private final Map<UUID, ClaimedDelivery> held = new ConcurrentHashMap<>();
    private volatile Lease newest = new Lease(new UUID(0, 0), 0);

    /** Takes over what a claim returned; only then is the lease one that {@link #newestLease()} speaks of. */
    public void add(Lease lease, List<ClaimedDelivery> claimed) {
        claimed.forEach(delivery -> held.put(delivery.id(), delivery));
        newest = lease;
    }

    /** Forgets what was settled, unless it was claimed anew meanwhile. */
    public void remove(Collection<ClaimedDelivery> settled) {
        settled.forEach(delivery -> held.remove(delivery.id(), delivery));
    }

    /** How many there are. */
    public int size() {
        return held.size();
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
