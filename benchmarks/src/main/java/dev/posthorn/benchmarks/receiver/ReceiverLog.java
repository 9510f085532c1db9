package dev.posthorn.benchmarks.receiver;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.Arrays;

/** What arrived: for each request the delivery's id, the event's id, the time and the answer, six longs. For one thread. */
final class ReceiverLog {
    static final int LONGS = 6;

    private long[] entries = new long[LONGS * 1024];
    private int size;
    private long total;
    private long firstAttempts;

    void add(long deliveryHigh, long deliveryLow, long eventHigh, long eventLow, int status) {
        if (size + LONGS > entries.length) {
            entries = Arrays.copyOf(entries, entries.length * 2);
        }
        Instant now = Instant.now();
        entries[size++] = deliveryHigh;
        entries[size++] = deliveryLow;
        entries[size++] = eventHigh;
        entries[size++] = eventLow;
        entries[size++] = now.getEpochSecond() * 1_000_000_000L + now.getNano();
        entries[size++] = status;
        total++;
    }

    /** Those that are kept. */
    int requests() {
        return size / LONGS;
    }

    /** Those since the beginning, the forgotten ones included. */
    long total() {
        return total;
    }

    /** Whether a first attempt is one of the fifth part that fails. */
    boolean isFifth() {
        return ++firstAttempts % 5 == 0;
    }

    /** Writes all entries and forgets them. */
    void drainTo(OutputStream out) throws IOException {
        DataOutputStream data = new DataOutputStream(out);
        for (int i = 0; i < size; i++) {
            data.writeLong(entries[i]);
        }
        data.flush();
        size = 0;
    }
}
