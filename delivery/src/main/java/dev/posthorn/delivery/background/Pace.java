package dev.posthorn.delivery.background;

import java.time.Duration;

/** Says when something is to be done again: after an interval, but never so often that it takes more than a share of the time. For one thread. */
public final class Pace {
    private final long nanos;
    private final int share;
    private long next = System.nanoTime();

    /** @param share so many times as long as it took is waited at least, once it was done */
    public Pace(Duration interval, int share) {
        this.nanos = interval.toNanos();
        this.share = share;
    }

    /** Whether it is time. */
    public boolean isOver() {
        return nanosLeft() <= 0;
    }

    /** How long until it is time; not above 0 if it is. */
    public long nanosLeft() {
        return next - System.nanoTime();
    }

    /** Says that it has been done, or tried. */
    public void done(long begunNanos) {
        long now = System.nanoTime();
        next = now + Math.max(nanos, share * (now - begunNanos));
    }
}
