package dev.posthorn.delivery.address;

/**
 * What the operator permits although the rules do not.
 *
 * @param port 0 for every port
 */
record AllowedTarget(Network network, int port) {
    /**
     * Reads {@code network} or {@code network:port}; an IPv6 address that is followed by a port has a length, {@code ::1/128:8080}.
     *
     * @throws IllegalArgumentException whose message says how to mend it
     */
    static AllowedTarget parse(String text) {
        int slash = text.indexOf('/');
        boolean v4 = slash < 0 && text.indexOf(':') == text.lastIndexOf(':');
        int colon = slash < 0 && !v4 ? -1 : text.indexOf(':', Math.max(slash, 0));
        if (colon < 0) {
            return new AllowedTarget(Network.parse(text), 0);
        }
        String digits = text.substring(colon + 1);
        int port = digits.matches("[1-9][0-9]{0,4}") ? Integer.parseInt(digits) : 0;
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("\"" + text + "\" has no valid port; write it like 10.1.0.0/16:8080");
        }
        return new AllowedTarget(Network.parse(text.substring(0, colon)), port);
    }

    boolean holds(IpAddress address, int wanted) {
        return (port == 0 || port == wanted) && network.holds(address);
    }

    @Override
    public String toString() {
        return port == 0 ? network.toString() : network + ":" + port;
    }
}
