package dev.posthorn.delivery.address;

import java.util.Optional;

/** The host of a URL, canonical. */
record Host(String text, Optional<IpAddress> literal) {
    static Host literal(IpAddress address) {
        return new Host(address.toString(), Optional.of(address));
    }

    static Host name(String ascii) {
        return new Host(ascii, Optional.empty());
    }

    TargetUrl at(boolean https, int port, String pathAndQuery) {
        return new TargetUrl(https, text, literal, port, pathAndQuery);
    }
}
