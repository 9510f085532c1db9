package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.HostResolver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Objects;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.Promise;

/**
 * Connects to the egress proxy wherever a connection to a vetted address is asked for, and leaves that address in its context,
 * for {@link Route}.
 */
final class ProxyConnector extends ClientConnector {
    /** Where the connection is to lead in the end, in its context. */
    static final String VETTED_ADDRESS = ProxyConnector.class.getName() + ".vetted";

    private final EgressProxy proxy;
    private final HostResolver resolver;

    /** @param resolver finds the proxy's own address */
    ProxyConnector(EgressProxy proxy, HostResolver resolver) {
        this.proxy = proxy;
        this.resolver = resolver;
    }

    @Override
    public void connect(SocketAddress vetted, Map<String, Object> context) {
        context.put(VETTED_ADDRESS, vetted);
        InetSocketAddress address;
        try {
            address = proxy.address(resolver);
        } catch (IOException e) {
            failed(context);
            return;
        }
        @SuppressWarnings("unchecked")
        Promise<Object> promise = (Promise<Object>) Objects.requireNonNull(context.get(CONNECTION_PROMISE_CONTEXT_KEY));
        context.put(CONNECTION_PROMISE_CONTEXT_KEY, new Promise.Wrapper<>(promise) {
            @Override
            public void failed(Throwable notConnected) {
                super.failed(unreachable());
            }
        });
        super.connect(address, context);
    }

    private static void failed(Map<String, Object> context) {
        @SuppressWarnings("unchecked")
        Promise<Object> promise = (Promise<Object>) Objects.requireNonNull(context.get(CONNECTION_PROMISE_CONTEXT_KEY));
        promise.failed(unreachable());
    }

    private static EgressProxyException unreachable() {
        return EgressProxyException.ofProxy("the egress proxy cannot be reached", null);
    }
}
