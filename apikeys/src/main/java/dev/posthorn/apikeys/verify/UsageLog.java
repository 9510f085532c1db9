package dev.posthorn.apikeys.verify;

import java.net.InetAddress;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Counts calls in memory; {@link #flush} writes them in one statement, however many there were. A node that is killed loses the counts
 * since its last flush. Of unknown keys it keeps the 100 first addresses and counts the others together. Thread-safe.
 */
final class UsageLog {
    private static final int MOST_ADDRESSES = 100;
    private static final String OTHERS = "";

    private final KeyStatements statements;
    private final ConcurrentHashMap<Entry, Tally> usages = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Long> failures = new ConcurrentHashMap<>();
    private final ReentrantLock flushing = new ReentrantLock();

    private record Entry(UUID key, Instant hour, String code) {}

    private record Tally(long calls, long cost, Instant last) {
        Tally plus(Tally other) {
            return new Tally(calls + other.calls, cost + other.cost, last.isAfter(other.last) ? last : other.last);
        }
    }

    UsageLog(KeyStatements statements) {
        this.statements = statements;
    }

    void count(UUID key, String code, long cost, Instant at) {
        usages.merge(new Entry(key, at.truncatedTo(ChronoUnit.HOURS), code), new Tally(1, cost, at), Tally::plus);
    }

    void countUnknown(@Nullable InetAddress from) {
        String source = from == null ? OTHERS : from.getHostAddress();
        if (failures.size() >= MOST_ADDRESSES && !failures.containsKey(source)) {
            source = OTHERS;
        }
        failures.merge(source, 1L, Long::sum);
    }

    /** Writes all that was counted before; also what somebody else is just writing is written when it returns. */
    void flush() throws SQLException {
        flushing.lock();
        try {
            flushUsages();
            flushFailures();
        } finally {
            flushing.unlock();
        }
    }

    private void flushUsages() throws SQLException {
        Map<Entry, Tally> taken = new HashMap<>();
        for (Entry entry : usages.keySet()) {
            Tally tally = usages.remove(entry);
            if (tally != null) {
                taken.put(entry, tally);
            }
        }
        if (taken.isEmpty()) {
            return;
        }
        List<UUID> keys = new ArrayList<>();
        List<Instant> hours = new ArrayList<>();
        List<String> codes = new ArrayList<>();
        List<Long> calls = new ArrayList<>();
        List<Long> costs = new ArrayList<>();
        List<@Nullable Instant> lastUsed = new ArrayList<>();
        taken.forEach((entry, tally) -> {
            keys.add(entry.key());
            hours.add(entry.hour());
            codes.add(entry.code());
            calls.add(tally.calls());
            costs.add(tally.cost());
            lastUsed.add(entry.code().equals("valid") ? tally.last() : null);
        });
        try {
            statements.logUsages(keys, hours, codes, calls, costs, lastUsed);
        } catch (SQLException | RuntimeException e) {
            taken.forEach((entry, tally) -> usages.merge(entry, tally, Tally::plus));
            throw e;
        }
    }

    private void flushFailures() throws SQLException {
        List<@Nullable String> sources = new ArrayList<>();
        List<Long> calls = new ArrayList<>();
        for (String source : failures.keySet()) {
            Long count = failures.remove(source);
            if (count != null) {
                sources.add(source.equals(OTHERS) ? null : source);
                calls.add(count);
            }
        }
        if (!sources.isEmpty()) {
            try {
                statements.logFailures(sources, calls);
            } catch (SQLException | RuntimeException e) {
                for (int i = 0; i < calls.size(); i++) {
                    String source = sources.get(i);
                    failures.merge(source == null ? OTHERS : source, calls.get(i), Long::sum);
                }
                throw e;
            }
        }
    }
}
