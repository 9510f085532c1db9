package dev.posthorn.delivery.address;

import java.util.Optional;

/**
 * A URL in its canonical form: lower-case scheme and host, no default port; path and query byte for byte as they were given.
 *
 * @param https whether the connection is encrypted
 * @param host a name in A-labels, four decimal numbers, or an IPv6 address without brackets
 * @param literal the address, if the host is one
 * @param port 1 to 65535
 * @param pathAndQuery empty, or beginning with {@code /} or {@code ?}
 */
public record TargetUrl(boolean https, String host, Optional<IpAddress> literal, int port, String pathAndQuery) {
    /** {@code https} or {@code http}. */
    public String scheme() {
        return https ? "https" : "http";
    }

    /** The host as it stands in a URL: an IPv6 address in brackets. */
    public String bracketedHost() {
        return host.indexOf(':') < 0 ? host : "[" + host + "]";
    }

    /** What a request asks for (RFC 9112, section 3.2.1): never empty. */
    public String requestTarget() {
        return pathAndQuery.startsWith("/") ? pathAndQuery : "/" + pathAndQuery;
    }

    static int defaultPort(boolean https) {
        return https ? 443 : 80;
    }

    /** The whole canonical URL. */
    @Override
    public String toString() {
        return scheme() + "://" + bracketedHost() + (port == defaultPort(https) ? "" : ":" + port) + pathAndQuery;
    }
}
