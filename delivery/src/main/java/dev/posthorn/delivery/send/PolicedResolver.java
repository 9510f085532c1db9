package dev.posthorn.delivery.send;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.eclipse.jetty.client.Destination;
import org.eclipse.jetty.util.Promise;
import org.eclipse.jetty.util.SocketAddressResolver;

/**
 * Hands the HTTP client only addresses that the policy permits, and only when it permits the whole answer. The client asks it before each
 * connection, for address literals too, so nothing is connected to that was not judged here.
 */
public final class PolicedResolver implements SocketAddressResolver {
    /** How many addresses of an answer are tried: a name with thousands of them must not make us knock at all their doors. */
    private static final int TRIED = 8;

    private final AddressPolicy policy;
    private final HostResolver resolver;
    private final Executor executor;
    private final Cache<String, List<InetAddress>> found =
            Caffeine.newBuilder().maximumSize(10_000).build();

    /**
     * @param policy judges
     * @param resolver finds addresses
     * @param executor runs the resolver, which blocks
     */
    public PolicedResolver(AddressPolicy policy, HostResolver resolver, Executor executor) {
        this.policy = policy;
        this.resolver = resolver;
        this.executor = executor;
    }

    @Override
    public void resolve(String host, int port, Map<String, Object> context, Promise<List<InetSocketAddress>> promise) {
        Destination destination = (Destination) Objects.requireNonNull(context.get(Destination.CONTEXT_KEY));
        executor.execute(() -> {
            try {
                promise.succeeded(permitted(destination.getOrigin().getScheme(), host, port));
            } catch (TargetRefusedException | RuntimeException e) {
                promise.failed(e);
            }
        });
    }

    /** Where a host was found when it was last connected to; empty if it never was. */
    List<InetAddress> known(String host) {
        List<InetAddress> addresses = found.getIfPresent(host);
        return addresses == null ? List.of() : addresses;
    }

    private List<InetSocketAddress> permitted(String scheme, String host, int port) throws TargetRefusedException {
        String bracketed = host.indexOf(':') < 0 || host.startsWith("[") ? host : "[" + host + "]";
        TargetUrl target = policy.accept(scheme + "://" + bracketed + ":" + port);
        // With the name inside, or TLS would check the certificate against the address.
        List<InetAddress> addresses = policy.resolve(target, resolver).stream()
                .limit(TRIED)
                .map(address -> address.toInetAddress(target.host()))
                .toList();
        found.put(host, addresses);
        return addresses.stream()
                .map(address -> new InetSocketAddress(address, port))
                .toList();
    }
}
