package dev.posthorn.delivery.send;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import org.eclipse.jetty.util.Promise;
import org.eclipse.jetty.util.SocketAddressResolver;

/** Resolves names for the HTTP client and hands out only addresses that the policy permits; it is asked for address literals too. */
final class PolicedResolver implements SocketAddressResolver {
    private final AddressPolicy policy;
    private final Executor executor;

    PolicedResolver(AddressPolicy policy, Executor executor) {
        this.policy = policy;
        this.executor = executor;
    }

    @Override
    public void resolve(String host, int port, Map<String, Object> context, Promise<List<InetSocketAddress>> promise) {
        executor.execute(() -> {
            try {
                promise.succeeded(permitted(host, port));
            } catch (UnknownHostException | AddressRefusedException e) {
                promise.failed(e);
            }
        });
    }

    private List<InetSocketAddress> permitted(String host, int port)
            throws UnknownHostException, AddressRefusedException {
        String bare = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        List<InetSocketAddress> permitted = new ArrayList<>();
        for (InetAddress address : InetAddress.getAllByName(bare)) {
            if (!policy.permits(address, port)) {
                throw new AddressRefusedException();
            }
            // With the name inside, or TLS would check the certificate against the address.
            permitted.add(new InetSocketAddress(InetAddress.getByAddress(bare, address.getAddress()), port));
        }
        return permitted;
    }
}
