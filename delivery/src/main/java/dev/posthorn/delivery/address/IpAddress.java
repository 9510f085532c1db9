package dev.posthorn.delivery.address;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * An IPv4 or IPv6 address. Unlike {@link InetAddress} it has no name, no zone, and keeps an IPv4-mapped IPv6 address what it is.
 *
 * @param v6 whether it is an IPv6 address
 * @param high the first 64 bits of an IPv6 address, else 0
 * @param low the last 64 bits, or the 32 of an IPv4 address
 */
public record IpAddress(boolean v6, long high, long low) {
    /** @throws IllegalArgumentException if an IPv4 address has more than 32 bits */
    public IpAddress {
        if (!v6 && (high != 0 || low >>> 32 != 0)) {
            throw new IllegalArgumentException("an IPv4 address has 32 bits");
        }
    }

    /** The IPv4 address of these 32 bits. */
    static IpAddress v4(int bits) {
        return new IpAddress(false, 0, Integer.toUnsignedLong(bits));
    }

    /** The same address; a zone is left out. */
    public static IpAddress of(InetAddress address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        return address instanceof Inet4Address
                ? v4(bytes.getInt())
                : new IpAddress(true, bytes.getLong(), bytes.getLong());
    }

    /** Four canonical decimal numbers, or an IPv6 address (RFC 4291, section 2.2) without zone and brackets; empty for all else. */
    public static Optional<IpAddress> parse(String text) {
        return text.indexOf(':') < 0 ? IpAddressParser.v4(text) : IpAddressParser.v6(text);
    }

    /** The number of bits: 32 or 128. */
    int size() {
        return v6 ? 128 : 32;
    }

    /** The IPv4 address in the last 32 bits of an IPv6 address. */
    IpAddress embedded() {
        return v4((int) low);
    }

    /**
     * For a socket.
     *
     * @param name what the address was found by; TLS checks the certificate against it
     */
    public InetAddress toInetAddress(String name) {
        byte[] bytes = v6
                ? ByteBuffer.allocate(16).putLong(high).putLong(low).array()
                : ByteBuffer.allocate(4).putInt((int) low).array();
        try {
            return InetAddress.getByAddress(name, bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The canonical text: four decimal numbers, or as RFC 5952 says. */
    @Override
    public String toString() {
        return v6 ? text6() : (low >>> 24) + "." + (low >>> 16 & 255) + "." + (low >>> 8 & 255) + "." + (low & 255);
    }

    private String text6() {
        int longest = 0;
        int at = -1;
        for (int i = 0; i < 8; i++) {
            int end = i;
            while (end < 8 && group(end) == 0) {
                end++;
            }
            // One group of zeros is not shortened, and of equal runs the first is (RFC 5952, section 4.2).
            if (end - i > Math.max(longest, 1)) {
                longest = end - i;
                at = i;
            }
        }
        StringBuilder text = new StringBuilder(39);
        for (int i = 0; i < 8; i++) {
            if (i == at) {
                text.append("::");
                i += longest - 1;
                continue;
            }
            if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
                text.append(':');
            }
            text.append(Integer.toHexString(group(i)));
        }
        return text.toString();
    }

    private int group(int index) {
        return (int) ((index < 4 ? high : low) >>> (48 - index % 4 * 16)) & 0xffff;
    }
}
