package dev.posthorn.delivery.send;

import dev.posthorn.delivery.outage.Fault;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.outage.OwnSide.Doubt;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Says what a failure is called, and whether it is the receiver's or our own. Thread-safe; {@link #judge} may block for some seconds. */
final class FailureJudge {
    private final OwnSide ownSide;
    private final PolicedResolver addresses;
    private final @Nullable EgressProbe proxy;

    /**
     * @param addresses knows where hosts were found
     * @param proxy asks the egress proxy; null where there is none
     */
    FailureJudge(OwnSide ownSide, PolicedResolver addresses, @Nullable EgressProbe proxy) {
        this.ownSide = ownSide;
        this.addresses = addresses;
        this.proxy = proxy;
    }

    /** A host has reacted, in whatever way. */
    void met(String host) {
        addresses.known(host).stream().findFirst().ifPresent(ownSide::met);
    }

    /** @param begunNanos when the exchange began, by {@link System#nanoTime()} */
    SendFailure judge(@Nullable Throwable failure, String host, long begunNanos) {
        long millis = Duration.ofNanos(System.nanoTime() - begunNanos).toMillis();
        SendFailure told = SendFailure.of(failure, host, millis);
        return switch (told.errorClass()) {
            case "egress_proxy" -> ofProxy(told, failure);
            case "dns" -> doubted(told, Doubt.NAME, failure, host, begunNanos);
            case "timeout", "io" -> doubted(told, Doubt.CONTACT, failure, host, begunNanos);
            case "address_refused" -> told;
            default -> {
                met(host);
                yield told;
            }
        };
    }

    private SendFailure ofProxy(SendFailure told, @Nullable Throwable failure) {
        EgressProbe probe = proxy;
        if (probe != null) {
            InetSocketAddress target = target(failure);
            ownSide.stopForProxy(() -> probe.isWell(target));
        }
        return new SendFailure(told.errorClass(), told.sentence(), Fault.EGRESS_PROXY);
    }

    private static @Nullable InetSocketAddress target(@Nullable Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof EgressProxyException refused) {
                return refused.target();
            }
        }
        return null;
    }

    private SendFailure doubted(
            SendFailure told, Doubt doubt, @Nullable Throwable failure, String host, long begunNanos) {
        if (failure == null) {
            return told;
        }
        EgressProbe probe = proxy;
        // A deadline may end before it is known that the proxy cannot be reached.
        if (probe != null && doubt == Doubt.CONTACT && ownSide.trouble().isEmpty() && !probe.isWell(null)) {
            ownSide.stopForProxy(() -> probe.isWell(null));
        }
        return ownSide.blame(doubt, failure, addresses.known(host), begunNanos)
                .map(fault -> new SendFailure(fault.errorClass(), fault.sentence(), fault))
                .orElse(told);
    }
}
