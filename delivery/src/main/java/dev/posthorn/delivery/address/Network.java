package dev.posthorn.delivery.address;

/**
 * A block of addresses, {@code 10.1.0.0/16}.
 *
 * @param first its first address
 * @param bits how many leading bits its addresses have in common
 */
record Network(IpAddress first, int bits) {
    /**
     * Reads a network; an address alone is a network of one.
     *
     * @throws IllegalArgumentException whose message says how to mend it
     */
    static Network parse(String text) {
        int slash = text.indexOf('/');
        IpAddress address = IpAddress.parse(slash < 0 ? text : text.substring(0, slash))
                .orElseThrow(() -> new IllegalArgumentException(
                        "\"" + text + "\" is no network; write it like 10.1.0.0/16 or 2001:db8::/32"));
        if (slash < 0) {
            return new Network(address, address.size());
        }
        String given = text.substring(slash + 1);
        int bits = given.matches("0|[1-9][0-9]{0,2}") ? Integer.parseInt(given) : Integer.MAX_VALUE;
        if (bits > address.size()) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no network; after the slash stands a number from 0 to " + address.size());
        }
        Network network = new Network(masked(address, bits), bits);
        if (!network.first.equals(address)) {
            throw new IllegalArgumentException("\"" + text + "\" is no network; the one that holds it is " + network);
        }
        return network;
    }

    boolean holds(IpAddress address) {
        int shared = first.v6() ? bits : bits + 96;
        return address.v6() == first.v6()
                && ((address.high() ^ first.high()) & mask(Math.min(shared, 64))) == 0
                && ((address.low() ^ first.low()) & mask(shared - 64)) == 0;
    }

    private static IpAddress masked(IpAddress address, int bits) {
        int shared = address.v6() ? bits : bits + 96;
        return new IpAddress(
                address.v6(), address.high() & mask(Math.min(shared, 64)), address.low() & mask(shared - 64));
    }

    private static long mask(int bits) {
        return bits <= 0 ? 0 : -1L << (64 - bits);
    }

    @Override
    public String toString() {
        return first + "/" + bits;
    }
}
