package dev.posthorn.delivery.send;

import dev.posthorn.delivery.address.AddressPolicy;
import dev.posthorn.delivery.address.HostResolver;
import dev.posthorn.delivery.address.TargetRefusedException;
import dev.posthorn.delivery.claim.ClaimedDelivery;
import dev.posthorn.delivery.endpoint.Authentication.ClientCredentials;
import dev.posthorn.delivery.endpoint.EndpointProfile;
import dev.posthorn.delivery.endpoint.SecretMask;
import dev.posthorn.delivery.endpoint.TrustedAuthorities;
import dev.posthorn.delivery.outage.OwnSide;
import dev.posthorn.delivery.sign.SignedRequest;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.io.ClientConnector;
import org.jspecify.annotations.Nullable;

/** Sends signed requests, one deadline for the whole attempt. Thread-safe; {@link #send} blocks a virtual thread. */
public final class RequestSender implements AutoCloseable {
    private static final int LONGEST_RETRY_AFTER = 86_400;

    private final @Nullable EgressProxy proxy;
    private final OutboundClient client;
    private final AccessTokens tokens;

    /**
     * @param policy judges every URL and every address
     * @param resolver finds the addresses
     * @param authorities by whom servers are believed
     * @param proxy through which everything goes; null to connect directly
     * @param ownSide tells whether a failure is ours
     * @throws IllegalStateException if the HTTP client cannot start
     */
    public RequestSender(
            AddressPolicy policy,
            HostResolver resolver,
            TrustedAuthorities authorities,
            @Nullable EgressProxy proxy,
            OwnSide ownSide) {
        this.proxy = proxy;
        ClientConnector connector = proxy == null ? new ClientConnector() : new ProxyConnector(proxy, resolver);
        connector.setSslContextFactory(new SenderTls(authorities));
        EgressProbe probe = proxy == null ? null : new EgressProbe(proxy, resolver);
        this.client = new OutboundClient(policy, resolver, ownSide, connector, probe);
        this.tokens = new AccessTokens(new TokenServer(client, proxy)::fetch);
    }

    /** Connects directly and believes the authorities of this Java. */
    public RequestSender(AddressPolicy policy, HostResolver resolver, OwnSide ownSide) {
        this(policy, resolver, ownSide, new ClientConnector());
    }

    /** The same with a connector of one's own, by which a test sees where it leads. */
    RequestSender(AddressPolicy policy, HostResolver resolver, OwnSide ownSide, ClientConnector connector) {
        this.proxy = null;
        connector.setSslContextFactory(new SenderTls(TrustedAuthorities.SYSTEM));
        this.client = new OutboundClient(policy, resolver, ownSide, connector, null);
        this.tokens = new AccessTokens(new TokenServer(client, null)::fetch);
    }

    /** Sends a request and says what came of it; never throws for what a receiver or the network does. */
    public AttemptOutcome send(SignedRequest signed) throws InterruptedException {
        ClaimedDelivery delivery = signed.delivery();
        long begun = System.nanoTime();
        OutboundClient.Target target;
        try {
            target = client.target(delivery.url());
        } catch (TargetRefusedException e) {
            return failed(delivery, new SendFailure("url_refused", e.reason().label() + ": " + e.sentence()), begun);
        }
        ClientCredentials grant = signed.profile().tokenGrant();
        return grant == null
                ? exchange(signed, target, signed.headers(), signed.profile().mask(), begun)
                : sendWithToken(signed, target, grant, begun);
    }

    /** A token that the receiver does not take, although it should be good still, is fetched anew once. */
    private AttemptOutcome sendWithToken(
            SignedRequest signed, OutboundClient.Target target, ClientCredentials grant, long begun)
            throws InterruptedException {
        ClaimedDelivery delivery = signed.delivery();
        AccessTokens.Account account = new AccessTokens.Account(delivery.communityId(), delivery.endpointId(), grant);
        long deadline = begun + TimeUnit.SECONDS.toNanos(delivery.timeoutSeconds());
        try {
            AccessToken token = tokens.get(account, deadline);
            AttemptOutcome outcome = exchange(signed, target, token, begun);
            if (outcome instanceof AttemptOutcome.Answered answered
                    && answered.statusCode() == 401
                    && tokens.isWorthRenewing(account, token)) {
                return exchange(signed, target, tokens.get(account, deadline), begun);
            }
            return outcome;
        } catch (TokenException e) {
            return failed(delivery, e.failure(), begun);
        }
    }

    private AttemptOutcome exchange(SignedRequest signed, OutboundClient.Target target, AccessToken token, long begun)
            throws InterruptedException {
        Map<String, String> headers = new LinkedHashMap<>(signed.headers());
        headers.put("authorization", "Bearer " + token.value());
        return exchange(signed, target, headers, signed.profile().mask().and(token.value()), begun);
    }

    private AttemptOutcome exchange(
            SignedRequest signed,
            OutboundClient.Target target,
            Map<String, String> headers,
            SecretMask mask,
            long begun)
            throws InterruptedException {
        ClaimedDelivery delivery = signed.delivery();
        EndpointProfile profile = signed.profile();
        long left = TimeUnit.SECONDS.toMillis(delivery.timeoutSeconds()) - millisSince(begun);
        if (left <= 0) {
            return failed(delivery, new SendFailure("timeout", "no answer within the deadline"), begun);
        }
        ResponseReader reader = new ResponseReader(ResponseReader.EXCERPT);
        Route route = new Route(delivery.communityId(), profile.tls(), proxy);
        ResponseReader.Ended ended = client.post(target, route, headers, signed.body(), left, reader);
        ResponseReader.Head answer = ended.answer();
        if (answer == null) {
            return failed(delivery, client.why(target, ended, begun), begun);
        }
        HttpFields fields = answer.headers();
        int status = answer.status();
        if (status >= 200 && status <= 299 && ended.premature()) {
            return failed(
                    delivery, new SendFailure("response", "the answer came before the whole request was sent"), begun);
        }
        String after = status == 429 || status == 503 ? fields.get("retry-after") : null;
        return new AttemptOutcome.Answered(
                delivery,
                status,
                mask.hide(reader.excerpt(), reader.isCut()),
                retryAfter(after),
                wish(fields.get("webhook-delivery")),
                millisSince(begun));
    }

    /** What is our own side's failure is taken back. */
    private static AttemptOutcome failed(ClaimedDelivery delivery, SendFailure failure, long begun) {
        return failure.fault() == null
                ? new AttemptOutcome.Unanswered(delivery, failure.errorClass(), failure.sentence(), millisSince(begun))
                : new AttemptOutcome.Unsent(delivery, failure.fault(), failure.sentence(), millisSince(begun));
    }

    private static int millisSince(long begun) {
        return Math.toIntExact(Duration.ofNanos(System.nanoTime() - begun).toMillis());
    }

    /** What else the receiver wants; words that are not known are nothing. */
    static AttemptOutcome.Wish wish(@Nullable String value) {
        if (value == null) {
            return AttemptOutcome.Wish.NONE;
        }
        return switch (value.strip().toLowerCase(Locale.ROOT)) {
            case "abort-message" -> AttemptOutcome.Wish.ABORT_MESSAGE;
            case "disable" -> AttemptOutcome.Wish.DISABLE;
            default -> AttemptOutcome.Wish.NONE;
        };
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
        client.close();
    }
}
