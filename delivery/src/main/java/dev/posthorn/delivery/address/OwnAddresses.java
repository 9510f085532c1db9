package dev.posthorn.delivery.address;

import java.net.NetworkInterface;
import java.net.SocketException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The addresses of this machine's network interfaces, looked at again after half a minute. Thread-safe.
 *
 * <p>What else stands on the loopback interface is left out: such addresses are mostly announced for many machines, and the operator names
 * those that are not.
 */
final class OwnAddresses implements Supplier<Set<IpAddress>> {
    static final OwnAddresses OF_THIS_MACHINE = new OwnAddresses();
    private static final long KEPT = Duration.ofSeconds(30).toNanos();

    private volatile Seen seen = look();

    private record Seen(Set<IpAddress> addresses, long nanos) {}

    private OwnAddresses() {}

    @Override
    public Set<IpAddress> get() {
        Seen last = seen;
        if (System.nanoTime() - last.nanos > KEPT) {
            last = look();
            seen = last;
        }
        return last.addresses;
    }

    private static Seen look() {
        try {
            Set<IpAddress> addresses = new HashSet<>();
            for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
                if (!each.isLoopback()) {
                    addresses.addAll(each.inetAddresses().map(IpAddress::of).collect(Collectors.toSet()));
                }
            }
            return new Seen(Set.copyOf(addresses), System.nanoTime());
        } catch (SocketException e) {
            throw new IllegalStateException("this machine's network interfaces cannot be listed: " + e.getMessage(), e);
        }
    }
}
