package dev.posthorn.delivery.outage;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.net.BindException;
import java.net.InetAddress;
import java.net.SocketException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides who is to blame for an attempt that met nobody: the receiver, or this node, which then stops until it is well again. Nobody is
 * blamed on suspicion alone: what failed is tried against something that does not depend on the receiver. Thread-safe.
 */
public final class OwnSide {
    private static final Logger LOG = LoggerFactory.getLogger(OwnSide.class);
    /** Who has been in touch with somebody so lately has a network. */
    private static final long LATELY_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** The system's resolver still waits for answers that were lost, and Java remembers for 10 seconds that there was none. */
    private static final long RESOLVER_LINGERS_NANOS = TimeUnit.SECONDS.toNanos(30);

    private static final int CONTACTS = 16;

    private final @Nullable ControlLookup control;
    private final boolean proxied;
    private final Cache<InetAddress, Boolean> contacts =
            Caffeine.newBuilder().maximumSize(CONTACTS).build();
    private volatile long contactNanos = System.nanoTime() - LATELY_NANOS;
    private volatile @Nullable Fault trouble;
    private volatile @Nullable BooleanSupplier proxyIsWell;
    private volatile @Nullable Past last;

    private record Past(Fault fault, long endedNanos) {}

    /** What an attempt that met nobody leaves open. */
    public enum Doubt {
        /** Whether it was the name that could not be resolved, or any. */
        NAME,
        /** Whether nobody was there, or there is no way to anybody. */
        CONTACT
    }

    /** @param control what is asked for to see whether the name service works; null where there is neither a name service nor an internet */
    public OwnSide(@Nullable ControlLookup control) {
        this(control, false);
    }

    /** @param proxied whether everything goes through a proxy, so that this machine's own routes to receivers say nothing */
    public OwnSide(@Nullable ControlLookup control, boolean proxied) {
        this.control = control;
        this.proxied = proxied;
    }

    /** Somebody at an address has reacted, in whatever way. */
    public void met(InetAddress address) {
        contactNanos = System.nanoTime();
        if (contacts.getIfPresent(address) == null) {
            contacts.put(address, true);
        }
    }

    /**
     * Finds out whether an attempt failed on our own side; if so, {@link #trouble()} says so from then on. May block for some seconds.
     *
     * @param addresses of the receiver, as far as they are known
     * @param begunNanos when the attempt began, by {@link System#nanoTime()}
     * @return empty if the receiver is to blame
     */
    public Optional<Fault> blame(Doubt doubt, Throwable failure, List<InetAddress> addresses, long begunNanos) {
        Fault known = trouble;
        Past past = last;
        long lingers = doubt == Doubt.NAME ? RESOLVER_LINGERS_NANOS : 0;
        if (known == null && past != null && past.endedNanos() + lingers - begunNanos > 0) {
            // It began while nobody could be met, and need not have noticed that this is over.
            return Optional.of(past.fault());
        }
        Optional<Fault> found = known != null ? Optional.of(known) : find(doubt, failure, addresses);
        found.ifPresent(this::begin);
        return found;
    }

    private Optional<Fault> find(Doubt doubt, Throwable failure, List<InetAddress> addresses) {
        boolean routed = proxied || addresses.isEmpty() || addresses.stream().anyMatch(Routes::leadTo);
        if (!Routes.socketsAreLeft() || isLimit(failure, routed)) {
            return Optional.of(Fault.LOCAL_LIMIT);
        }
        if (!routed && isCutOff()) {
            return Optional.of(Fault.NO_ROUTE);
        }
        ControlLookup lookup = control;
        if (lookup == null) {
            return Optional.empty();
        }
        boolean met = doubt == Doubt.CONTACT && System.nanoTime() - contactNanos < LATELY_NANOS;
        if (met || lookup.answers()) {
            return Optional.empty();
        }
        if (isCutOff()) {
            return Optional.of(Fault.NO_ROUTE);
        }
        // Silence alone says something only where the name service had answered before.
        return doubt == Doubt.NAME || lookup.hasEverAnswered() ? Optional.of(Fault.NAME_SERVICE) : Optional.empty();
    }

    /** No address is free for one more connection to where a way leads; or the text of EMFILE and ENFILE, which Java has no class for. */
    private static boolean isLimit(Throwable failure, boolean routed) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            // Of the kernel's own exceptions alone: no receiver has a say in their text.
            if (cause instanceof SocketException socket
                    && (socket instanceof BindException
                            ? routed
                            : String.valueOf(socket.getMessage()).contains("Too many open files"))) {
                return true;
            }
        }
        return false;
    }

    private boolean isCutOff() {
        if (proxied) {
            return false;
        }
        if (control != null) {
            return !Routes.leadToInternet();
        }
        List<InetAddress> known = List.copyOf(contacts.asMap().keySet());
        return !known.isEmpty() && known.stream().noneMatch(Routes::leadTo);
    }

    /**
     * The egress proxy fails, whoever is to be reached: {@link #trouble()} says so from then on.
     *
     * @param isWell looks whether that is over; may block for some seconds
     */
    public synchronized void stopForProxy(BooleanSupplier isWell) {
        if (trouble == null) {
            proxyIsWell = isWell;
            begin(Fault.EGRESS_PROXY);
        }
    }

    private synchronized void begin(Fault fault) {
        if (trouble == null) {
            trouble = fault;
            LOG.warn("this node stops sending: {}; it goes on by itself", fault.sentence());
        }
    }

    /** What is wrong on our side, while it is. */
    public Optional<Fault> trouble() {
        return Optional.ofNullable(trouble);
    }

    /** Looks whether anything is wrong now, without any attempt; may block for some seconds. */
    public Optional<Fault> look() {
        return Arrays.stream(Fault.values()).filter(this::isStill).findFirst();
    }

    /** Looks whether what was wrong still is; may block for some seconds. Returns whether it has just ended. */
    public boolean recheck() {
        Fault now = trouble;
        if (now == null || isStill(now)) {
            return false;
        }
        synchronized (this) {
            last = new Past(now, System.nanoTime());
            trouble = null;
        }
        LOG.info("this node sends again: {} is over", now.errorClass());
        return true;
    }

    private boolean isStill(Fault fault) {
        return switch (fault) {
            case LOCAL_LIMIT -> !Routes.socketsAreLeft();
            case NO_ROUTE -> isCutOff();
            case EGRESS_PROXY -> {
                BooleanSupplier look = proxyIsWell;
                yield look != null && !look.getAsBoolean();
            }
            case NAME_SERVICE -> control != null && !control.answers();
        };
    }
}
