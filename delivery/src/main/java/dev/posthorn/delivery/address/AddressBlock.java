package dev.posthorn.delivery.address;

/**
 * A block of addresses with a meaning of its own.
 *
 * @param reachable whether the registry says that it is globally reachable
 * @param name what it is for
 * @param reference where that is said
 */
record AddressBlock(Network network, boolean reachable, String name, String reference) {
    static AddressBlock of(String[] fields) {
        return new AddressBlock(Network.parse(fields[0]), fields[1].equals("yes"), fields[2], fields[3]);
    }

    /** For a sentence: {@code loopback (127.0.0.0/8)}. */
    @Override
    public String toString() {
        return name + " (" + network + ")";
    }
}
