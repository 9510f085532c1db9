package dev.posthorn.delivery.send;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/**
 * Which addresses the sender may connect to: public ones, and what the operator allows besides. Immutable and thread-safe.
 *
 * <p>Judged at each attempt, on the very answer of the name service that is connected to; one refused address refuses them all.
 */
public final class AddressPolicy {
    /** Public addresses only. */
    public static final AddressPolicy PUBLIC_ONLY = new AddressPolicy(List.of());

    private static final List<Block> NOT_PUBLIC = List.of(
            Block.parse("0.0.0.0/8"),
            Block.parse("10.0.0.0/8"),
            Block.parse("100.64.0.0/10"),
            Block.parse("127.0.0.0/8"),
            Block.parse("168.63.129.16/32"),
            Block.parse("169.254.0.0/16"),
            Block.parse("172.16.0.0/12"),
            Block.parse("192.0.0.0/24"),
            Block.parse("192.0.2.0/24"),
            Block.parse("192.88.99.0/24"),
            Block.parse("192.168.0.0/16"),
            Block.parse("198.18.0.0/15"),
            Block.parse("198.51.100.0/24"),
            Block.parse("203.0.113.0/24"),
            Block.parse("224.0.0.0/3"),
            Block.parse("2001::/23"),
            Block.parse("2001:db8::/32"),
            Block.parse("2002::/16"),
            Block.parse("3fff::/20"));
    private static final Block GLOBAL_UNICAST = Block.parse("2000::/3");

    private final List<Allowed> allowed;

    private record Block(byte[] network, int bits) {
        static Block parse(String cidr) {
            int slash = cidr.indexOf('/');
            String address = slash < 0 ? cidr : cidr.substring(0, slash);
            if (!address.matches("[0-9a-fA-F:.]+")
                    || (address.indexOf(':') < 0 && !address.matches("[0-9]+(\\.[0-9]+){3}"))) {
                throw new IllegalArgumentException(
                        cidr + " is no network; write it like 10.1.0.0/16 or 10.1.0.0/16:8080");
            }
            try {
                byte[] network = InetAddress.getByName(address).getAddress();
                int bits = slash < 0 ? network.length * 8 : Integer.parseInt(cidr.substring(slash + 1));
                if (bits < 0 || bits > network.length * 8) {
                    throw new IllegalArgumentException(
                            cidr + " is no network; its prefix has more bits than the address");
                }
                return new Block(network, bits);
            } catch (UnknownHostException | NumberFormatException e) {
                throw new IllegalArgumentException(
                        cidr + " is no network; write it like 10.1.0.0/16 or 10.1.0.0/16:8080");
            }
        }

        boolean holds(byte[] address) {
            if (address.length != network.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> (bit % 8);
                if ((address[bit / 8] & mask) != (network[bit / 8] & mask)) {
                    return false;
                }
            }
            return true;
        }
    }

    private record Allowed(Block block, int port) {}

    private AddressPolicy(List<Allowed> allowed) {
        this.allowed = List.copyOf(allowed);
    }

    /**
     * Public addresses, and these networks besides.
     *
     * @param networks each {@code network/bits} for all ports, or {@code network/bits:port}
     * @throws IllegalArgumentException naming the one that is malformed
     */
    public static AddressPolicy allowing(List<String> networks) {
        List<Allowed> allowed = new ArrayList<>();
        for (String network : networks) {
            int slash = network.indexOf('/');
            int colon = slash < 0 ? -1 : network.indexOf(':', slash);
            try {
                int port = colon < 0 ? 0 : Integer.parseInt(network.substring(colon + 1));
                allowed.add(new Allowed(Block.parse(colon < 0 ? network : network.substring(0, colon)), port));
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException(network + " has no valid port; write it like 10.1.0.0/16:8080");
            }
        }
        return new AddressPolicy(allowed);
    }

    /** Whether the sender may connect there. */
    public boolean permits(InetAddress address, int port) {
        byte[] bytes = address.getAddress();
        for (Allowed exception : allowed) {
            if ((exception.port() == 0 || exception.port() == port)
                    && exception.block().holds(bytes)) {
                return true;
            }
        }
        boolean global = address instanceof Inet4Address || GLOBAL_UNICAST.holds(bytes);
        return global && NOT_PUBLIC.stream().noneMatch(block -> block.holds(bytes));
    }
}
