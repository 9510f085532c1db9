package dev.posthorn.integrations.conformance;

import dev.posthorn.integrations.conformance.ConformanceReport.Finding;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Goes through rules, each on a thread of its own and for a limited time, and notes what comes of it. For one thread. */
final class Examination {
    private static final long LONGEST_MILLIS = 60_000;

    private final List<String> kept = new ArrayList<>();
    private final List<Finding> findings = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();

    /** Something that is not as it must be. */
    static final class BrokenException extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenException(String detail) {
            super(detail);
        }
    }

    /** What is to be checked. */
    @FunctionalInterface
    interface Rule {
        /** Returns if it is kept. */
        void check() throws Exception;
    }

    /** Checks a rule. Whatever it throws is a finding. */
    void rule(String name, Rule rule) throws InterruptedException {
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().daemon().name("conformance").start(() -> {
            try {
                rule.check();
            } catch (Throwable e) {
                thrown.set(e);
            }
        });
        try {
            thread.join(LONGEST_MILLIS);
        } catch (InterruptedException e) {
            thread.interrupt();
            throw e;
        }
        if (thread.isAlive()) {
            thread.interrupt();
            findings.add(new Finding(name, "did not end within " + LONGEST_MILLIS / 1000 + " s"));
            return;
        }
        Throwable found = thrown.get();
        if (found == null) {
            kept.add(name);
        } else if (found instanceof BrokenException) {
            findings.add(new Finding(name, String.valueOf(found.getMessage())));
        } else {
            findings.add(new Finding(name, "threw " + found));
        }
    }

    void skip(String name, String why) {
        skipped.add(name + ": " + why);
    }

    ConformanceReport report() {
        return new ConformanceReport(kept, findings, skipped);
    }

    static void require(boolean holds, String otherwise) throws BrokenException {
        if (!holds) {
            throw new BrokenException(otherwise);
        }
    }
}
