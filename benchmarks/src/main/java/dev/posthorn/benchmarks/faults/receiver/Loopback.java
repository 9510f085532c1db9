package dev.posthorn.benchmarks.faults.receiver;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Where receivers stand: all on this machine, not all of them in a network that the operator allows. */
public final class Loopback {
    /** May be sent to. */
    public static final InetAddress ALLOWED = address(1);

    /** May be sent to as well, and nothing else is there: its route may be cut. */
    public static final InetAddress ROUTED = address(3);

    /** May not. */
    public static final InetAddress REFUSED = address(2);

    private Loopback() {}

    private static InetAddress address(int last) {
        try {
            return InetAddress.getByAddress(new byte[] {127, 0, 0, (byte) last});
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }
}
