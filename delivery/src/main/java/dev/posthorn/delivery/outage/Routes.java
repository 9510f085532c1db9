package dev.posthorn.delivery.outage;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;
import java.util.List;

/** Asks the kernel what it would do with packets; none is sent. */
final class Routes {
    /** Of a root name server, whose addresses do not change: any two that no private route leads to would do. */
    private static final List<InetAddress> INTERNET = List.of(
            address(198, 41, 0, 4), address(0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x30));

    private static final int ANY_PORT = 9;

    private Routes() {}

    /** Whether a way leads to an address. A datagram socket is connected by looking up the route, and by nothing else. */
    static boolean leadTo(InetAddress address) {
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.connect(new InetSocketAddress(address, ANY_PORT));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Whether a way leads to the internet, by IPv4 or IPv6. */
    static boolean leadToInternet() {
        return INTERNET.stream().anyMatch(Routes::leadTo);
    }

    /** Whether this process may still open a socket, and bind it to a local port. */
    static boolean socketsAreLeft() {
        try (SocketChannel channel = SocketChannel.open()) {
            channel.bind(null);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static InetAddress address(int... octets) {
        byte[] bytes = new byte[octets.length];
        for (int i = 0; i < octets.length; i++) {
            bytes[i] = (byte) octets[i];
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 or 16 octets are an address", e);
        }
    }
}
