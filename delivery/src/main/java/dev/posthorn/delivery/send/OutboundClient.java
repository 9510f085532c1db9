package dev.posthorn.delivery.send;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import dev.posthorn.delivery.endpoint.TlsIdentity;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.client.BytesRequestContent;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.ProxyAuthenticationProtocolHandler;
import org.eclipse.jetty.client.RedirectProtocolHandler;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.WWWAuthenticationProtocolHandler;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.http.HttpCookieStore;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.io.ClientConnector;
import org.jspecify.annotations.Nullable;

/**
 * The one HTTP client: POST over HTTP/1.1 to whatever the address policy permits. Thread-safe.
 *
 * <p>Nothing is followed, decoded, remembered or retried: no redirects, cookies, authentication, compression; and no proxies but the one
 * that the operator names, whatever environment and system properties say.
 */
final class OutboundClient implements AutoCloseable {
    private static final int LARGEST_HEADERS = 32 * 1024;

    private final AddressPolicy policy;
    private final HttpClient client;
    private final @Nullable EgressProxy proxy;
    /** Accepted URLs; what they are does not change, only where they lead to, and that is judged at each connection. */
    private final Cache<String, Target> targets =
            Caffeine.newBuilder().maximumSize(10_000).build();

    /** An accepted URL. The host stands by itself, because to {@link URI} a name with an underscore is none. */
    record Target(URI withoutHost, String host) {}

    OutboundClient(
            AddressPolicy policy,
            HostResolver resolver,
            TrustedAuthorities authorities,
            ClientConnector connector,
            @Nullable EgressProxy proxy) {
        this.policy = policy;
        this.proxy = proxy;
        connector.setSslContextFactory(new SenderTls(authorities));
        client = new HttpClient(new HttpClientTransportOverHTTP(connector));
        var threads = Executors.newVirtualThreadPerTaskExecutor();
        client.setExecutor(threads);
        client.setName("posthorn-sender");
        client.setSocketAddressResolver(new PolicedResolver(policy, resolver, threads));
        client.setFollowRedirects(false);
        client.setHttpCookieStore(new HttpCookieStore.Empty());
        client.setUserAgentField(null);
        client.setMaxResponseHeadersSize(LARGEST_HEADERS);
        client.setMaxConnectionsPerDestination(1024);
        client.setMaxRequestsQueuedPerDestination(4096);
        client.setConnectTimeout(10_000);
        client.setIdleTimeout(30_000);
        client.setDestinationIdleTimeout(60_000);
        try {
            client.start();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP client did not start: " + e.getMessage(), e);
        }
        client.getContentDecoderFactories().clear();
        client.getProtocolHandlers().remove(RedirectProtocolHandler.NAME);
        client.getProtocolHandlers().remove(WWWAuthenticationProtocolHandler.NAME);
        client.getProtocolHandlers().remove(ProxyAuthenticationProtocolHandler.NAME);
    }

    /**
     * What a URL stands for.
     *
     * @throws TargetRefusedException if the policy refuses it for what it is
     */
    Target target(String url) throws TargetRefusedException {
        Target known = targets.getIfPresent(url);
        if (known != null) {
            return known;
        }
        TargetUrl accepted = policy.accept(url);
        Target target = new Target(
                URI.create(accepted.scheme() + "://host:" + accepted.port() + accepted.requestTarget()),
                accepted.bracketedHost());
        targets.put(url, target);
        return target;
    }

    /**
     * Posts and waits for the end, however it comes.
     *
     * @param identity as whom; null as for all others
     * @param timeoutMillis for everything
     */
    ResponseReader.Ended post(
            Target target,
            @Nullable TlsIdentity identity,
            Map<String, String> headers,
            byte[] body,
            long timeoutMillis,
            ResponseReader reader)
            throws InterruptedException {
        Request request = client.newRequest(target.withoutHost())
                .host(target.host())
                .method(HttpMethod.POST)
                .timeout(timeoutMillis, TimeUnit.MILLISECONDS)
                .body(new BytesRequestContent(body))
                .headers(fields -> headers.forEach(fields::put));
        EgressProxy through = proxy;
        if (through != null) {
            request.tag(new ProxiedRoute(through, identity));
        } else if (identity != null) {
            request.tag(identity);
        }
        request.send(reader);
        try {
            return reader.ended().get();
        } catch (InterruptedException e) {
            var unused = request.abort(e);
            throw e;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            client.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP client did not stop: " + e.getMessage(), e);
        }
    }
}
