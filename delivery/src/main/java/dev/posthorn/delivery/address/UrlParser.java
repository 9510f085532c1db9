package dev.posthorn.delivery.address;

import static dev.posthorn.delivery.address.RefusalClass.CHARACTER;
import static dev.posthorn.delivery.address.RefusalClass.FRAGMENT;
import static dev.posthorn.delivery.address.RefusalClass.LENGTH;
import static dev.posthorn.delivery.address.RefusalClass.PORT;
import static dev.posthorn.delivery.address.RefusalClass.SCHEME;
import static dev.posthorn.delivery.address.RefusalClass.SYNTAX;
import static dev.posthorn.delivery.address.RefusalClass.USERINFO;

/** The one grammar of URLs, {@code scheme://host[:port][/path][?query]} of RFC 3986. Nothing is repaired. */
final class UrlParser {
    static final int LONGEST = 2048;

    private static final String UNRESERVED_AND_DELIMITERS = "-._~!$&'()*+,;=:@/";

    private UrlParser() {}

    static TargetUrl parse(String url) throws TargetRefusedException {
        if (url.length() > LONGEST) {
            throw new TargetRefusedException(LENGTH, "the URL is longer than " + LONGEST + " characters");
        }
        if (url.isEmpty()) {
            throw new TargetRefusedException(SYNTAX, "the URL is empty");
        }
        Characters.check(url);
        int colon = schemeEnd(url);
        boolean https = url.substring(0, colon).equalsIgnoreCase("https");
        if (!https && !url.substring(0, colon).equalsIgnoreCase("http")) {
            throw new TargetRefusedException(SCHEME, "the URL must begin with https://");
        }
        if (!url.startsWith("//", colon + 1)) {
            throw new TargetRefusedException(SYNTAX, "after the scheme must stand :// and a host");
        }
        int begin = colon + 3;
        int end = begin;
        while (end < url.length() && "/?#".indexOf(url.charAt(end)) < 0) {
            end++;
        }
        String authority = url.substring(begin, end);
        String pathAndQuery = url.substring(end);
        if (pathAndQuery.indexOf('#') >= 0) {
            throw new TargetRefusedException(FRAGMENT, "a fragment (#...) is never sent; leave it out");
        }
        if (authority.indexOf('@') >= 0) {
            throw new TargetRefusedException(
                    USERINFO, "no user name or password may stand before the host; every request is signed");
        }
        checkPathAndQuery(pathAndQuery);
        TargetUrl parsed = withAuthority(https, authority, pathAndQuery);
        if (parsed.toString().length() > LONGEST) {
            throw new TargetRefusedException(LENGTH, "the canonical URL is longer than " + LONGEST + " characters");
        }
        return parsed;
    }

    /** The first colon, if what stands before it is a scheme (RFC 3986, section 3.1). */
    private static int schemeEnd(String url) throws TargetRefusedException {
        int at = 0;
        while (at < url.length() && (isAlphanumeric(url.charAt(at)) || "+-.".indexOf(url.charAt(at)) >= 0)) {
            at++;
        }
        if (at == 0 || at == url.length() || url.charAt(at) != ':') {
            throw new TargetRefusedException(SCHEME, "the URL must begin with https://");
        }
        return at;
    }

    private static TargetUrl withAuthority(boolean https, String authority, String pathAndQuery)
            throws TargetRefusedException {
        boolean bracketed = authority.startsWith("[");
        int hostEnd = bracketed ? authority.indexOf(']') + 1 : authority.indexOf(':');
        if (bracketed && hostEnd == 0) {
            throw new TargetRefusedException(SYNTAX, "the bracket of the IPv6 address is not closed");
        }
        String host = hostEnd < 0 ? authority : authority.substring(0, hostEnd);
        String rest = authority.substring(host.length());
        if (host.isEmpty()) {
            throw new TargetRefusedException(SYNTAX, "the host is missing");
        }
        if (!rest.isEmpty() && rest.charAt(0) != ':') {
            throw new TargetRefusedException(SYNTAX, "after the bracket may only stand a port");
        }
        if (rest.indexOf(':', 1) >= 0) {
            throw new TargetRefusedException(
                    SYNTAX, "the host holds more than one colon; an IPv6 address stands in brackets");
        }
        int port = rest.length() < 2 ? TargetUrl.defaultPort(https) : port(rest.substring(1));
        return HostParser.parse(host, bracketed).at(https, port, pathAndQuery);
    }

    private static int port(String digits) throws TargetRefusedException {
        boolean canonical = digits.length() <= 5
                && digits.charAt(0) != '0'
                && digits.chars().allMatch(c -> c >= '0' && c <= '9');
        int port = canonical ? Integer.parseInt(digits) : 0;
        if (port < 1 || port > 65535) {
            throw new TargetRefusedException(PORT, "the port must be a number from 1 to 65535, without leading zeros");
        }
        return port;
    }

    /** RFC 3986, sections 3.3 and 3.4. */
    private static void checkPathAndQuery(String text) throws TargetRefusedException {
        boolean query = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '%') {
                if (i + 2 >= text.length() || !isHex(text.charAt(i + 1)) || !isHex(text.charAt(i + 2))) {
                    throw new TargetRefusedException(SYNTAX, "after % must stand two hexadecimal digits");
                }
                i += 2;
            } else if (c == '?') {
                query = true;
            } else if (!isAlphanumeric(c) && UNRESERVED_AND_DELIMITERS.indexOf(c) < 0) {
                throw new TargetRefusedException(
                        CHARACTER,
                        "the " + (query ? "query" : "path") + " holds " + Characters.named(c)
                                + ", which must be written with %");
            }
        }
    }

    static boolean isAlphanumeric(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }

    private static boolean isHex(char c) {
        return c < 128 && Character.digit(c, 16) >= 0;
    }
}
