package dev.posthorn.delivery.endpoint;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Headers that an endpoint's owner adds to each request. Their values are secrets.
 *
 * <p>Names and values are what RFC 9110, sections 5.1 and 5.5, permits without the obsolete forms, so that nothing can be smuggled past the
 * end of a header; and no name is one by which the request would be framed, routed or signed otherwise.
 */
public final class CustomHeaders {
    private static final int MOST = 32;
    private static final int LARGEST = 4096;
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}");
    private static final Pattern VALUE = Pattern.compile("[!-~]([\\t -~]*[!-~])?");

    /** Framing, routing and hop-by-hop headers, those that Posthorn sets itself, and those that unlock cloud metadata services. */
    private static final Set<String> RESERVED = Set.of(
            "host",
            "connection",
            "keep-alive",
            "transfer-encoding",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "http2-settings",
            "forwarded",
            "via",
            "date",
            "user-agent",
            "x-hub-signature",
            "x-hub-signature-256",
            "metadata",
            "metadata-flavor");

    private static final Set<String> RESERVED_BEGINNINGS =
            Set.of("webhook-", "posthorn-", "content-", "proxy-", "x-forwarded-", "x-aws-ec2-metadata-");

    private CustomHeaders() {}

    /**
     * Returns if the headers may be sent.
     *
     * @throws InvalidCredentialException naming the first that may not
     */
    public static void check(Map<String, String> headers) {
        if (headers.size() > MOST) {
            throw new InvalidCredentialException("/headers", "headers must be at most " + MOST);
        }
        int size = 0;
        Set<String> names = new HashSet<>();
        for (Map.Entry<String, String> header : headers.entrySet()) {
            String name = header.getKey();
            String lower = name.toLowerCase(Locale.ROOT);
            // RFC 6901: a name may hold ~, and a malformed one /.
            String pointer = "/headers/" + name.replace("~", "~0").replace("/", "~1");
            if (!TOKEN.matcher(name).matches()) {
                throw new InvalidCredentialException(
                        pointer, "a header's name must be 1 to 100 letters, digits or one of !#$%&'*+-.^_`|~");
            }
            if (isReserved(lower)) {
                throw new InvalidCredentialException(pointer, "the header " + name + " is not for endpoints to set");
            }
            if (!names.add(lower)) {
                throw new InvalidCredentialException(pointer, "the header " + name + " is given twice");
            }
            if (!VALUE.matcher(header.getValue()).matches()) {
                throw new InvalidCredentialException(
                        pointer,
                        "the value of " + name
                                + " must be printable ASCII, not empty, without line breaks and without blanks around it");
            }
            size += name.length() + header.getValue().length();
        }
        if (size > LARGEST) {
            throw new InvalidCredentialException(
                    "/headers", "headers must have at most " + LARGEST + " characters together, they have " + size);
        }
    }

    private static boolean isReserved(String lower) {
        return RESERVED.contains(lower) || RESERVED_BEGINNINGS.stream().anyMatch(lower::startsWith);
    }

    /** As the vault keeps them. */
    public static String write(Map<String, String> headers) {
        return NamedLines.write(headers);
    }

    /** As the vault kept them, in their order. */
    public static Map<String, String> read(String stored) {
        return NamedLines.read(stored);
    }
}
