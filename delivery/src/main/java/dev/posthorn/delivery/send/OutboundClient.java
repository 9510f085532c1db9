package dev.posthorn.delivery.send;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import dev.posthorn.delivery.outage.OwnSide;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.client.BytesRequestContent;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.http.HttpCookieStore;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.io.EndPoint;
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
    private final FailureJudge judge;
    private final Handshakes handshakes;
    /** Accepted URLs; what they are does not change, only where they lead to, and that is judged at each connection. */
    private final Cache<String, Target> targets =
            Caffeine.newBuilder().maximumSize(10_000).build();

    /** An accepted URL. The host stands by itself, because to {@link URI} a name with an underscore is none. */
    record Target(URI withoutHost, String host) {}

    /**
     * @param connector makes its connections, with its TLS
     * @param proxy asks the egress proxy that the connector leads through; null where there is none
     */
    OutboundClient(
            AddressPolicy policy,
            HostResolver resolver,
            OwnSide ownSide,
            ClientConnector connector,
            @Nullable EgressProbe proxy) {
        this.policy = policy;
        client = new HttpClient(new HostileTransport(connector));
        var threads = Executors.newVirtualThreadPerTaskExecutor();
        client.setExecutor(threads);
        client.setName("posthorn-sender");
        PolicedResolver addresses = new PolicedResolver(policy, resolver, threads);
        judge = new FailureJudge(ownSide, addresses, proxy);
        client.setSocketAddressResolver(addresses);
        client.setFollowRedirects(false);
        client.setHttpCookieStore(new HttpCookieStore.Empty());
        client.setUserAgentField(null);
        client.setMaxResponseHeadersSize(LARGEST_HEADERS);
        client.setMaxConnectionsPerDestination(1024);
        client.setMaxRequestsQueuedPerDestination(4096);
        client.setConnectTimeout(10_000);
        client.setIdleTimeout(30_000);
        client.setDestinationIdleTimeout(60_000);
        handshakes = new Handshakes(client::getScheduler);
        client.addEventListener(handshakes);
        client.addBean(handshakes);
        try {
            client.start();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP client did not start: " + e.getMessage(), e);
        }
        client.getContentDecoderFactories().clear();
        client.getProtocolHandlers().clear();
        client.getProtocolHandlers().put(new InterimResponses());
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
     * @param timeoutMillis for everything
     */
    ResponseReader.Ended post(
            Target target,
            Route route,
            Map<String, String> headers,
            byte[] body,
            long timeoutMillis,
            ResponseReader reader)
            throws InterruptedException {
        Request request = client.newRequest(target.withoutHost())
                .host(target.host())
                .tag(route)
                .method(HttpMethod.POST)
                .timeout(timeoutMillis, TimeUnit.MILLISECONDS)
                .body(new BytesRequestContent(body))
                .headers(fields -> headers.forEach(fields::put));
        request.send(reader);
        ResponseReader.Ended ended;
        try {
            ended = reader.ended().get();
        } catch (InterruptedException e) {
            var unused = request.abort(e);
            throw e;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        if (ended.answer() != null) {
            judge.met(target.host());
            return ended;
        }
        if (ended.failure() instanceof TimeoutException) {
            // Its connection is closed then, and a handshake that was under way fails of that: no reason of its own.
            return ended;
        }
        EndPoint endPoint = HostileConnection.endPoint(request);
        Throwable handshake = endPoint == null ? null : handshakes.failure(endPoint);
        return handshake == null ? ended : ended.because(handshake);
    }

    /**
     * Why there was no answer, and whose failure that is; may block for some seconds.
     *
     * @param begunNanos when the exchange began, by {@link System#nanoTime()}
     */
    SendFailure why(Target target, ResponseReader.Ended ended, long begunNanos) {
        return judge.judge(ended.failure(), target.host(), begunNanos);
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
