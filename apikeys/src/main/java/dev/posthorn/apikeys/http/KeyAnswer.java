package dev.posthorn.apikeys.http;

import dev.posthorn.apikeys.RateLimit;
import dev.posthorn.apikeys.verify.Quota;
import dev.posthorn.apikeys.verify.StoredKey;
import dev.posthorn.apikeys.verify.VerifiedKey;
import dev.posthorn.apikeys.verify.VerifiedKey.Denied;
import dev.posthorn.apikeys.verify.VerifiedKey.Reason;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a request with a key is answered: 200, or 400, 401 and 403 as RFC 6750 says, 429 with {@code Retry-After}, 503 if the key could not
 * be judged. {@code RateLimit} and {@code RateLimit-Policy} are those of draft-ietf-httpapi-ratelimit-headers-10.
 *
 * @param code {@code valid}, why not, or {@code missing}, {@code ambiguous}, {@code unavailable}; also the header {@code Posthorn-Code}
 * @param title of the problem, empty for 200
 * @param detail a sentence for the caller, empty for 200
 */
public record KeyAnswer(int status, String code, String title, String detail, Map<String, String> headers) {
    private static final String REALM = "Bearer realm=\"posthorn\"";

    /** Copies the headers. */
    public KeyAnswer {
        headers = Map.copyOf(headers);
    }

    /**
     * The answer to a judged key.
     *
     * @param scopes what was asked for
     */
    public static KeyAnswer of(VerifiedKey verified, List<String> scopes) {
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("Posthorn-Code", verified.code());
        limits(headers, verified.quota());
        if (verified instanceof Denied denied) {
            return denied(denied, scopes, headers);
        }
        identity(headers, ((VerifiedKey.Valid) verified).key());
        return new KeyAnswer(200, "valid", "", "", headers);
    }

    private static KeyAnswer denied(Denied denied, List<String> scopes, Map<String, String> headers) {
        Integer retryAfter = denied.retryAfterSeconds();
        if (retryAfter != null) {
            headers.put("Retry-After", retryAfter.toString());
        }
        Reason reason = denied.reason();
        return switch (reason) {
            case UNKNOWN, REVOKED, DISABLED, EXPIRED -> {
                String detail = "the API key is " + reason.code();
                headers.put(
                        "WWW-Authenticate", REALM + ", error=\"invalid_token\", error_description=\"" + detail + "\"");
                yield new KeyAnswer(401, reason.code(), "Unauthorized", detail, headers);
            }
            case SCOPE_MISSING -> {
                // RFC 6750: scope tokens without quotes and backslashes; anything else was never granted and is not
                // repeated.
                String wanted = String.join(" ", scopes).replaceAll("[^A-Za-z0-9_.:* -]", "?");
                headers.put("WWW-Authenticate", REALM + ", error=\"insufficient_scope\", scope=\"" + wanted + "\"");
                yield new KeyAnswer(403, reason.code(), "Forbidden", "the key lacks the scope " + wanted, headers);
            }
            case IP_NOT_ALLOWED ->
                new KeyAnswer(
                        403, reason.code(), "Forbidden", "the API key may not be used from this address", headers);
            case RATE_LIMITED ->
                new KeyAnswer(
                        429, reason.code(), "Too many requests", "the rate limit of the API key is used up", headers);
            case CREDITS_EXHAUSTED ->
                new KeyAnswer(
                        429, reason.code(), "Too many requests", "the credits of the API key are used up", headers);
        };
    }

    /** There is no key. */
    public static KeyAnswer missing() {
        return new KeyAnswer(
                401,
                "missing",
                "Unauthorized",
                "send an API key: Authorization: Bearer ph_live_…",
                Map.of("WWW-Authenticate", REALM, "Posthorn-Code", "missing"));
    }

    /** There are two. */
    public static KeyAnswer ambiguous() {
        return new KeyAnswer(
                400,
                "ambiguous",
                "Malformed request",
                "Authorization and X-API-Key carry different keys; send one",
                Map.of("WWW-Authenticate", REALM + ", error=\"invalid_request\"", "Posthorn-Code", "ambiguous"));
    }

    /** Nobody can tell. */
    public static KeyAnswer unavailable() {
        return new KeyAnswer(
                503,
                "unavailable",
                "Service unavailable",
                "API keys cannot be verified at this moment; try again",
                Map.of("Retry-After", "1", "Posthorn-Code", "unavailable"));
    }

    /** The same under another status, for whoever takes few; {@code code} still says what it is. */
    public KeyAnswer withStatus(int instead) {
        return new KeyAnswer(instead, code, title, detail, headers);
    }

    private static void limits(Map<String, String> headers, @Nullable Quota quota) {
        if (quota == null) {
            return;
        }
        RateLimit limit = quota.limit();
        if (limit != null) {
            String name = "\"" + quota.name() + "\"";
            headers.put("RateLimit-Policy", name + ";q=" + limit.max() + ";w=" + limit.periodSeconds());
            headers.put("RateLimit", name + ";r=" + quota.remaining() + ";t=" + quota.resetSeconds());
        }
        if (quota.credits() != null) {
            headers.put("Posthorn-Credits", quota.credits().toString());
        }
    }

    private static void identity(Map<String, String> headers, StoredKey key) {
        headers.put("Posthorn-Key-Id", key.id().toString());
        headers.put("Posthorn-Key-Mode", key.mode());
        headers.put("Posthorn-Key-Scopes", String.join(" ", key.scopes()));
        if (key.communityId() != null) {
            headers.put("Posthorn-Community-Id", key.communityId().toString());
        }
        if (key.owner() != null) {
            headers.put(
                    "Posthorn-Key-Owner",
                    URLEncoder.encode(key.owner(), StandardCharsets.UTF_8).replace("+", "%20"));
        }
    }

    /** The body of a refusal, as {@code application/problem+json} (RFC 9457). */
    public String problem() {
        // Nothing in it comes from outside but scopes, which hold no character that JSON would mind.
        return "{\"type\":\"about:blank\",\"title\":\"" + title + "\",\"status\":" + status + ",\"detail\":\"" + detail
                + "\",\"code\":\"" + code + "\"}";
    }
}
