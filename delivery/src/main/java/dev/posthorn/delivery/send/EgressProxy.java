package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.IpAddress;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The proxy through which everything is sent, by {@code CONNECT} (RFC 9110, section 9.3.6). It is given the address that was vetted, so
 * that it resolves nothing; name and certificate stay the target's.
 *
 * @param host name or address of the proxy; the address policy does not hold for it
 * @param port its port
 * @param credentials user name and password as {@code user:password}; null if it asks for none
 */
public record EgressProxy(String host, int port, @Nullable String credentials) {
    /**
     * Reads {@code host:port} or {@code [IPv6]:port}.
     *
     * @throws IllegalArgumentException saying what it must be
     */
    public static EgressProxy parse(String hostAndPort, @Nullable String credentials) {
        int colon = hostAndPort.lastIndexOf(':');
        String host = colon < 1 ? "" : hostAndPort.substring(0, colon);
        String port = hostAndPort.substring(colon + 1);
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (!port.matches("[0-9]{1,5}")
                || Integer.parseInt(port) < 1
                || Integer.parseInt(port) > 65_535
                || host.isEmpty()
                || (!bracketed && !host.matches("[A-Za-z0-9._-]+"))) {
            throw new IllegalArgumentException(
                    "it must be host:port, such as proxy.example.com:3128, without http:// and without credentials");
        }
        if (credentials != null && credentials.indexOf(':') < 1) {
            throw new IllegalArgumentException("its credentials must be user:password");
        }
        return new EgressProxy(
                bracketed ? host.substring(1, host.length() - 1) : host, Integer.parseInt(port), credentials);
    }

    /** Value of the {@code proxy-authorization} header; null if none is needed. */
    @Nullable
    String authorization() {
        return credentials == null
                ? null
                : "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8));
    }

    /** Where it listens. */
    InetSocketAddress address(HostResolver resolver) throws IOException {
        List<IpAddress> found = IpAddress.parse(host).map(List::of).orElse(List.of());
        if (found.isEmpty()) {
            found = resolver.resolve(host);
        }
        if (found.isEmpty()) {
            throw new IOException("no address");
        }
        return new InetSocketAddress(found.get(0).toInetAddress(host), port);
    }

    /** Without the credentials. */
    @Override
    public String toString() {
        return host + ":" + port;
    }
}
