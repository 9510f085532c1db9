package dev.posthorn.apikeys;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A range of addresses, IPv4 or IPv6; the same truth table as the SQL function {@code posthorn.ip_is_allowed}.
 *
 * @param address its first address
 * @param prefixLength how many leading bits all its addresses share
 */
public record Network(InetAddress address, int prefixLength) {
    private static final Pattern IPV4 = Pattern.compile("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}");
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");

    /**
     * Reads {@code 192.0.2.0/24}, {@code 2001:db8::/32} or a single address, as PostgreSQL writes them.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Network parse(String text) {
        int slash = text.indexOf('/');
        InetAddress address = address(slash < 0 ? text : text.substring(0, slash))
                .orElseThrow(() -> new IllegalArgumentException("no network: " + text));
        int bits = address.getAddress().length * 8;
        int length = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
        if (length < 0 || length > bits) {
            throw new IllegalArgumentException("no network: " + text);
        }
        return new Network(address, length);
    }

    /**
     * The address that a literal names; empty for everything else. Never asks DNS. {@code ::ffff:192.0.2.1} is 192.0.2.1. Zones are not
     * taken.
     */
    public static Optional<InetAddress> address(String literal) {
        if (!IPV4.matcher(literal).matches() && !IPV6.matcher(literal).matches()) {
            return Optional.empty();
        }
        try {
            return Optional.of(InetAddress.getByName(literal));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    /** Whether an address lies in it. */
    public boolean contains(InetAddress other) {
        byte[] own = address.getAddress();
        byte[] its = other.getAddress();
        if (own.length != its.length) {
            return false;
        }
        int whole = prefixLength / 8;
        for (int i = 0; i < whole; i++) {
            if (own[i] != its[i]) {
                return false;
            }
        }
        int rest = prefixLength % 8;
        return rest == 0 || ((own[whole] ^ its[whole]) & 0xff) >> (8 - rest) == 0;
    }

    @Override
    public String toString() {
        return address.getHostAddress() + "/" + prefixLength;
    }
}
