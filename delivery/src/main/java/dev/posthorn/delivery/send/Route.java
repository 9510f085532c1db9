package dev.posthorn.delivery.send;

import dev.posthorn.delivery.endpoint.TlsIdentity;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.UUID;
import org.eclipse.jetty.io.ClientConnectionFactory;
import org.eclipse.jetty.io.ClientConnector;
import org.jspecify.annotations.Nullable;

/**
 * The tag of a destination: destinations with different ones share no connections. No tenant's request goes over a connection that answered
 * another's, whoever stands at its end. Where there is a proxy, it puts {@link ProxyTunnel} below TLS and HTTP, which see the vetted address.
 *
 * @param community whose requests go there
 * @param identity as whom it is connected to; null as for all others
 * @param proxy through which; null directly
 */
record Route(
        UUID community,
        @Nullable TlsIdentity identity,
        @Nullable EgressProxy proxy) implements ClientConnectionFactory.Decorator {
    @Override
    public ClientConnectionFactory apply(ClientConnectionFactory above) {
        EgressProxy through = proxy;
        if (through == null) {
            return above;
        }
        return (endPoint, context) -> {
            InetSocketAddress vetted =
                    (InetSocketAddress) Objects.requireNonNull(context.get(ProxyConnector.VETTED_ADDRESS));
            ClientConnector connector =
                    (ClientConnector) Objects.requireNonNull(context.get(ClientConnector.CONTEXT_KEY));
            context.put(ClientConnector.REMOTE_SOCKET_ADDRESS_CONTEXT_KEY, vetted);
            return new ProxyTunnel(endPoint, connector.getExecutor(), through, vetted, above, context);
        };
    }
}
