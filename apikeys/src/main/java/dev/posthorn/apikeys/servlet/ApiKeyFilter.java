package dev.posthorn.apikeys.servlet;

import dev.posthorn.apikeys.http.ClientAddress;
import dev.posthorn.apikeys.http.KeyAnswer;
import dev.posthorn.apikeys.http.PresentedKey;
import dev.posthorn.apikeys.verify.KeyRequest;
import dev.posthorn.apikeys.verify.KeyVerifier;
import dev.posthorn.apikeys.verify.TooManyUnknownKeysException;
import dev.posthorn.apikeys.verify.VerifiedKey;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Collections;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets in requests that carry a valid key. What a request must have, {@link Requirement} says; what comes through has the key as its
 * principal: {@link KeyPrincipal} by {@code getUserPrincipal()}, and {@code isUserInRole("orders:read")} asks its scopes. Thread-safe.
 *
 * <p>It is registered by its instance, because it needs a verifier: {@code context.addFilter("api-keys", new ApiKeyFilter(…))}.
 */
public final class ApiKeyFilter extends HttpFilter {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(ApiKeyFilter.class);

    private final transient KeyVerifier verifier;
    private final transient ClientAddress addresses;
    private final transient Requirement requirement;

    /** What a request must have. */
    @FunctionalInterface
    public interface Requirement {
        /**
         * Completes what is asked of the key.
         *
         * @param request the request
         * @param presented its key and address
         * @return {@code presented} with scopes, cost, limit and community as they are needed
         */
        KeyRequest of(HttpServletRequest request, KeyRequest presented);
    }

    /** Asks the verifier, which the caller starts and closes; believes nobody's {@code X-Forwarded-For}. */
    public ApiKeyFilter(KeyVerifier verifier, Requirement requirement) {
        this(verifier, ClientAddress.trusting(Collections.emptyList()), requirement);
    }

    /** Asks the verifier, which the caller starts and closes. */
    public ApiKeyFilter(KeyVerifier verifier, ClientAddress addresses, Requirement requirement) {
        this.verifier = verifier;
        this.addresses = addresses;
        this.requirement = requirement;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Optional<String> presented;
        try {
            presented = PresentedKey.of(request.getHeader("Authorization"), request.getHeader(PresentedKey.HEADER));
        } catch (IllegalArgumentException e) {
            refuse(response, KeyAnswer.ambiguous());
            return;
        }
        if (presented.isEmpty()) {
            refuse(response, KeyAnswer.missing());
            return;
        }
        String forwarded = String.join(",", Collections.list(request.getHeaders("X-Forwarded-For")));
        KeyRequest asked = requirement.of(
                request,
                KeyRequest.of(presented.get())
                        .from(addresses.of(request.getRemoteAddr(), forwarded.isEmpty() ? null : forwarded)));
        VerifiedKey verified;
        try {
            verified = verifier.verify(asked);
        } catch (TooManyUnknownKeysException e) {
            refuse(response, KeyAnswer.unavailable());
            return;
        } catch (SQLException e) {
            LOG.warn("an API key could not be verified: {}", e.getMessage());
            refuse(response, KeyAnswer.unavailable());
            return;
        }
        KeyAnswer answer = KeyAnswer.of(verified, asked.scopes());
        if (verified instanceof VerifiedKey.Valid valid) {
            // The limits belong to the caller; who he is, is for the application behind.
            copy(answer, "RateLimit", response);
            copy(answer, "RateLimit-Policy", response);
            chain.doFilter(new KeyHolderRequest(request, new KeyPrincipal(valid.key())), response);
        } else {
            refuse(response, answer);
        }
    }

    private static void copy(KeyAnswer answer, String header, HttpServletResponse response) {
        String value = answer.headers().get(header);
        if (value != null) {
            response.setHeader(header, value);
        }
    }

    private static void refuse(HttpServletResponse response, KeyAnswer answer) throws IOException {
        response.setStatus(answer.status());
        answer.headers().forEach(response::setHeader);
        response.setContentType("application/problem+json");
        response.getOutputStream().write(answer.problem().getBytes(StandardCharsets.UTF_8));
    }
}
