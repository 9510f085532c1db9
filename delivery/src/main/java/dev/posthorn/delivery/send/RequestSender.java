package dev.posthorn.delivery.send;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.RefusalClass;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.address.TargetUrl;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.outage.OwnSide.Doubt;
import dev.posthorn.delivery.sign.SignedRequest;
import java.net.ConnectException;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.eclipse.jetty.client.BytesRequestContent;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.http.HttpCookieStore;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.io.ClientConnector;
import org.jspecify.annotations.Nullable;

/**
 * Sends signed requests over HTTP/1.1, one deadline for the whole attempt. Thread-safe; {@link #send} blocks a virtual thread.
 *
 * <p>Nothing is followed, decoded, remembered or retried: no redirects, cookies, authentication, compression or proxies.
 */
public final class RequestSender implements AutoCloseable {
    private static final int LARGEST_HEADERS = 32 * 1024;
    private static final int LONGEST_RETRY_AFTER = 86_400;

    private final AddressPolicy policy;
    private final OwnSide ownSide;
    private final PolicedResolver addresses;
    private final HttpClient client;
    /** Accepted URLs; what they are does not change, only where they lead to, and that is judged at each connection. */
    private final Cache<String, Target> targets =
            Caffeine.newBuilder().maximumSize(10_000).build();

    /** The host stands by itself, because to {@link URI} a name with an underscore is none. */
    private record Target(URI withoutHost, String host) {}

    /**
     * @param policy judges every URL and every address
     * @param resolver finds the addresses
     * @param ownSide tells whether a failure is ours
     * @throws IllegalStateException if the HTTP client cannot start
     */
    public RequestSender(AddressPolicy policy, HostResolver resolver, OwnSide ownSide) {
        this(policy, resolver, ownSide, new ClientConnector());
    }

    /** With a connector of one's own, by which a test sees where it leads. */
    RequestSender(AddressPolicy policy, HostResolver resolver, OwnSide ownSide, ClientConnector connector) {
        this.policy = policy;
        this.ownSide = ownSide;
        client = new HttpClient(new HostileTransport(connector));
        var threads = Executors.newVirtualThreadPerTaskExecutor();
        client.setExecutor(threads);
        client.setName("posthorn-sender");
        addresses = new PolicedResolver(policy, resolver, threads);
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
        client.addEventListener(new HandshakeLimit(client::getScheduler));
        try {
            client.start();
        } catch (Exception e) {
            throw new IllegalStateException("the HTTP client did not start: " + e.getMessage(), e);
        }
        client.getContentDecoderFactories().clear();
        client.getProtocolHandlers().clear();
        client.getProtocolHandlers().put(new InterimResponses());
    }

    /** Sends a request and says what came of it; never throws for what a receiver or the network does. */
    public AttemptOutcome send(SignedRequest signed) throws InterruptedException {
        ClaimedDelivery delivery = signed.delivery();
        long begun = System.nanoTime();
        Target target;
        try {
            target = target(delivery.url());
        } catch (TargetRefusedException e) {
            return failed(delivery, "url_refused", e.reason().label() + ": " + e.sentence(), 0);
        }
        Request request = request(target)
                .method(HttpMethod.POST)
                // No tenant's request goes over a connection that answered another's, whoever stands at its end.
                .tag(delivery.communityId())
                .timeout(delivery.timeoutSeconds(), TimeUnit.SECONDS)
                .body(new BytesRequestContent(signed.body()))
                .headers(headers -> signed.headers().forEach(headers::put));
        ResponseReader reader = new ResponseReader();
        request.send(reader);
        ResponseReader.Ended ended;
        try {
            ended = reader.ended().get();
        } catch (InterruptedException e) {
            var unused = request.abort(e);
            throw e;
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e);
        }
        int millis = Math.toIntExact(Duration.ofNanos(System.nanoTime() - begun).toMillis());
        ResponseReader.Head answer = ended.answer();
        if (answer != null) {
            met(target);
            int status = answer.status();
            if (status >= 200 && status <= 299 && ended.premature()) {
                return failed(delivery, "response", "the answer came before the whole request was sent", millis);
            }
            String after = status == 429 || status == 503 ? answer.headers().get("retry-after") : null;
            return new AttemptOutcome.Answered(delivery, status, reader.excerpt(), retryAfter(after), millis);
        }
        return judged(unanswered(delivery, ended.failure(), millis), target, ended.failure(), begun);
    }

    private void met(Target target) {
        addresses.known(target.host()).stream().findFirst().ifPresent(ownSide::met);
    }

    /** Takes back what is no failure of the receiver. */
    private AttemptOutcome judged(
            AttemptOutcome.Unanswered outcome, Target target, @Nullable Throwable failure, long begun) {
        Optional<Doubt> doubt = switch (outcome.errorClass()) {
            case "dns" -> Optional.of(Doubt.NAME);
            case "timeout", "io" -> Optional.of(Doubt.CONTACT);
            default -> Optional.empty();
        };
        if (doubt.isEmpty() || failure == null) {
            if (!outcome.errorClass().equals("address_refused")) {
                met(target);
            }
            return outcome;
        }
        return ownSide.blame(doubt.get(), failure, addresses.known(target.host()), begun)
                .<AttemptOutcome>map(fault -> new AttemptOutcome.Unsent(
                        outcome.delivery(), fault, fault.sentence(), outcome.durationMillis()))
                .orElse(outcome);
    }

    private Target target(String url) throws TargetRefusedException {
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

    private Request request(Target target) {
        return client.newRequest(target.withoutHost()).host(target.host());
    }

    private static AttemptOutcome.Unanswered unanswered(
            ClaimedDelivery delivery, @Nullable Throwable failure, int millis) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof TargetRefusedException refused) {
                return refused.reason() == RefusalClass.DNS
                        ? failed(delivery, "dns", refused.sentence(), millis)
                        : failed(delivery, "address_refused", refused.sentence(), millis);
            }
            if (cause instanceof SSLException) {
                return failed(delivery, "tls", "no TLS connection: " + firstLine(cause), millis);
            }
            // A connect timeout of the client is a SocketTimeoutException, its deadline a TimeoutException.
            if (cause instanceof TimeoutException || cause instanceof java.net.SocketTimeoutException) {
                return failed(delivery, "timeout", "no answer within " + millis + " ms", millis);
            }
            if (cause instanceof ConnectException) {
                return failed(delivery, "connect", "the connection was refused", millis);
            }
            if (cause instanceof org.eclipse.jetty.http.HttpException
                    || cause instanceof org.eclipse.jetty.client.HttpResponseException) {
                return failed(delivery, "response", "the answer is no valid HTTP/1.1 within the limits", millis);
            }
        }
        return failed(delivery, "io", "the connection ended before an answer", millis);
    }

    private static AttemptOutcome.Unanswered failed(
            ClaimedDelivery delivery, String errorClass, String error, int millis) {
        return new AttemptOutcome.Unanswered(delivery, errorClass, error, millis);
    }

    private static String firstLine(Throwable cause) {
        String message = cause.getMessage();
        return message == null
                ? cause.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    /** Seconds or an HTTP date (RFC 9110, section 10.2.3); null if there is none or it is malformed. */
    static @Nullable Integer retryAfter(@Nullable String value) {
        if (value == null) {
            return null;
        }
        String text = value.strip();
        if (text.matches("[0-9]{1,18}")) {
            return (int) Math.min(Long.parseLong(text), LONGEST_RETRY_AFTER);
        }
        try {
            long seconds = Duration.between(
                            Instant.now(),
                            ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                                    .toInstant())
                    .toSeconds();
            return Math.clamp(seconds, 0, LONGEST_RETRY_AFTER);
        } catch (DateTimeException malformed) {
            return null;
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
