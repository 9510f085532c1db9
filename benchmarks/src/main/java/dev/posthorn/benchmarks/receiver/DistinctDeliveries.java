package dev.posthorn.benchmarks.receiver;

import dev.posthorn.benchmarks.receiver.ReceiverProcess.Arrival;
import java.util.Arrays;

/**
 * Counts arrivals and how many different deliveries they were, in 8 bytes each: millions fit beside the engine under load. Two deliveries
 * are taken for one if 64 bits mixed from their ids agree, which among ten million happens once in 350,000 runs. For one thread.
 */
public final class DistinctDeliveries {
    private static final int BUCKETS = 64;

    private final long[][] ids = new long[BUCKETS][1024];
    private final int[] sizes = new int[BUCKETS];
    private long requests;

    /** A request has arrived. */
    public void add(Arrival arrival) {
        long high = arrival.deliveryId().getMostSignificantBits();
        long low = arrival.deliveryId().getLeastSignificantBits();
        long mixed = (high ^ Long.rotateLeft(low, 32)) * 0x9E3779B97F4A7C15L ^ low;
        int bucket = (int) (mixed >>> 58);
        if (sizes[bucket] == ids[bucket].length) {
            ids[bucket] = Arrays.copyOf(ids[bucket], sizes[bucket] * 2);
        }
        ids[bucket][sizes[bucket]++] = mixed;
        requests++;
    }

    /** How many requests arrived. */
    public long requests() {
        return requests;
    }

    /** How many different deliveries they were. */
    public long count() {
        long count = 0;
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            Arrays.sort(ids[bucket], 0, sizes[bucket]);
            for (int i = 0; i < sizes[bucket]; i++) {
                if (i == 0 || ids[bucket][i] != ids[bucket][i - 1]) {
                    count++;
                }
            }
        }
        return count;
    }
}
