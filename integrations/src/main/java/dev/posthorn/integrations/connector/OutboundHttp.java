package dev.posthorn.integrations.connector;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import dev.posthorn.delivery.send.PolicedResolver;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.eclipse.jetty.client.BufferingResponseListener;
import org.eclipse.jetty.client.BytesRequestContent;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.ProxyAuthenticationProtocolHandler;
import org.eclipse.jetty.client.RedirectProtocolHandler;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.Result;
import org.eclipse.jetty.client.WWWAuthenticationProtocolHandler;
import org.eclipse.jetty.http.HttpCookieStore;
import org.eclipse.jetty.http.HttpField;
import org.jspecify.annotations.Nullable;

/** HTTP for {@link Outbound}. Thread-safe. */
final class OutboundHttp implements AutoCloseable {
    private static final int LARGEST_HEADERS = 32 * 1024;
    private static final String USER_AGENT = "Posthorn";

    private final AddressPolicy policy;
    private final HttpClient client;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    OutboundHttp(AddressPolicy policy, HostResolver resolver) {
        this.policy = policy;
        client = new HttpClient();
        client.setExecutor(threads);
        client.setName("posthorn-integrations");
        client.setSocketAddressResolver(new PolicedResolver(policy, resolver, threads));
        client.setFollowRedirects(false);
        client.setHttpCookieStore(new HttpCookieStore.Empty());
        client.setUserAgentField(new HttpField("User-Agent", USER_AGENT));
        client.setMaxResponseHeadersSize(LARGEST_HEADERS);
        client.setConnectTimeout(10_000);
        client.setDestinationIdleTimeout(60_000);
        try {
            client.start();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP client did not start: " + e.getMessage(), e);
        }
        client.getProtocolHandlers().remove(RedirectProtocolHandler.NAME);
        client.getProtocolHandlers().remove(WWWAuthenticationProtocolHandler.NAME);
        client.getProtocolHandlers().remove(ProxyAuthenticationProtocolHandler.NAME);
    }

    HttpAnswer send(HttpCall call) throws ConnectorException, InterruptedException {
        TargetUrl target;
        try {
            target = policy.accept(call.url());
        } catch (TargetRefusedException e) {
            throw Outbound.refused(e);
        }
        // The host stands by itself, because to URI a name with an underscore is none.
        Request request = client.newRequest(
                        URI.create(target.scheme() + "://host:" + target.port() + target.requestTarget()))
                .host(target.bracketedHost())
                .method(call.method())
                .timeout(call.deadline().toMillis(), TimeUnit.MILLISECONDS)
                .headers(headers -> {
                    for (Map.Entry<String, String> header : call.headers()) {
                        headers.add(header.getKey(), header.getValue());
                    }
                });
        byte[] body = call.body();
        if (body != null) {
            request.body(new BytesRequestContent(body));
        }
        CompletableFuture<HttpAnswer> answer = new CompletableFuture<>();
        request.send(new BufferingResponseListener(call.largestAnswer()) {
            @Override
            public void onComplete(Result result) {
                Throwable failure = result.getFailure();
                byte[] content = getContent();
                if (failure != null) {
                    answer.completeExceptionally(failure);
                } else {
                    answer.complete(new HttpAnswer(
                            result.getResponse().getStatus(),
                            headers(result),
                            content == null ? new byte[0] : content));
                }
            }
        });
        try {
            return answer.get();
        } catch (InterruptedException e) {
            var unused = request.abort(e);
            throw e;
        } catch (ExecutionException e) {
            throw failed(call, target, e.getCause());
        }
    }

    private static Map<String, List<String>> headers(Result result) {
        Map<String, List<String>> headers = new HashMap<>();
        for (HttpField field : result.getResponse().getHeaders()) {
            String value = field.getValue();
            headers.computeIfAbsent(field.getName().toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                    .add(value == null ? "" : value);
        }
        return headers;
    }

    private static ConnectorException failed(HttpCall call, TargetUrl target, @Nullable Throwable failure) {
        String who = target.bracketedHost();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TargetRefusedException refused) {
                return Outbound.refused(refused);
            }
            if (cause instanceof SSLException) {
                return new ConnectorException(
                        Failure.UNTRUSTED, "no trusted TLS connection to " + who + ": " + firstLine(cause), failure);
            }
            if (cause instanceof TimeoutException || cause instanceof java.net.SocketTimeoutException) {
                return new ConnectorException(
                        Failure.NETWORK,
                        who + " did not answer within " + call.deadline().toSeconds() + " s",
                        failure);
            }
            if (cause instanceof IllegalArgumentException
                    && String.valueOf(cause.getMessage()).contains("capacity")) {
                return new ConnectorException(
                        Failure.SCHEMA_DRIFT,
                        "the answer of " + who + " is larger than " + call.largestAnswer()
                                + " bytes; ask for less at once, or allow more",
                        failure);
            }
        }
        return new ConnectorException(Failure.NETWORK, "the connection to " + who + " failed", failure);
    }

    private static String firstLine(Throwable cause) {
        String message = cause.getMessage();
        return message == null
                ? cause.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    @Override
    public void close() {
        try {
            client.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP client did not stop: " + e.getMessage(), e);
        }
        threads.close();
    }
}
