package dev.posthorn.delivery.send;

import dev.posthorn.delivery.endpoint.TlsIdentity;
import java.net.InetSocketAddress;
import java.util.Objects;
import org.eclipse.jetty.io.ClientConnectionFactory;
import org.eclipse.jetty.io.ClientConnector;
import org.jspecify.annotations.Nullable;

/**
 * The tag of a destination that is reached through the egress proxy: puts {@link ProxyTunnel} below TLS and HTTP, which see the vetted
 * address.
 *
 * @param identity as whom it is connected to; null as for all others
 */
record ProxiedRoute(EgressProxy proxy, @Nullable TlsIdentity identity) implements ClientConnectionFactory.Decorator {
    @Override
    public ClientConnectionFactory apply(ClientConnectionFactory above) {
        return (endPoint, context) -> {
            InetSocketAddress vetted =
                    (InetSocketAddress) Objects.requireNonNull(context.get(ProxyConnector.VETTED_ADDRESS));
            ClientConnector connector =
                    (ClientConnector) Objects.requireNonNull(context.get(ClientConnector.CONTEXT_KEY));
            context.put(ClientConnector.REMOTE_SOCKET_ADDRESS_CONTEXT_KEY, vetted);
            return new ProxyTunnel(endPoint, connector.getExecutor(), proxy, vetted, above, context);
        };
    }
}
