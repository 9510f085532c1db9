package dev.posthorn.server.settings;

import dev.posthorn.server.PosthornException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Where the database is: {@code postgres://user:password@host:port/database?parameter=value} or a JDBC URL.
 *
 * @param jdbcUrl without user and password
 * @param user null if the URL names none
 * @param password null if the URL names none; a secret
 */
public record DatabaseUrl(
        String jdbcUrl, @Nullable String user, @Nullable String password) {
    private static final String JDBC = "jdbc:postgresql:";

    /**
     * Reads a URL.
     *
     * @throws PosthornException if it is neither; the message does not repeat it, because it may hold a password
     */
    public static DatabaseUrl parse(String url) {
        if (url.startsWith(JDBC)) {
            return new DatabaseUrl(url, null, null);
        }
        URI uri;
        try {
            uri = new URI(url);
        } catch (URISyntaxException e) {
            throw wrong("it is malformed near character " + e.getIndex()
                    + "; percent-encode special characters of the password");
        }
        if (!"postgres".equals(uri.getScheme()) && !"postgresql".equals(uri.getScheme())) {
            throw wrong("it must begin with postgres:// or jdbc:postgresql://");
        }
        String path = uri.getRawPath();
        if (uri.getHost() == null || path == null || path.length() < 2) {
            throw wrong("it must name host and database");
        }
        String parameters = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        String jdbc = "jdbc:postgresql://" + uri.getHost() + ":" + (uri.getPort() < 0 ? 5432 : uri.getPort()) + path
                + parameters;
        String login = uri.getRawUserInfo();
        if (login == null) {
            return new DatabaseUrl(jdbc, null, null);
        }
        int colon = login.indexOf(':');
        return colon < 0
                ? new DatabaseUrl(jdbc, decoded(login), null)
                : new DatabaseUrl(jdbc, decoded(login.substring(0, colon)), decoded(login.substring(colon + 1)));
    }

    private static String decoded(String part) {
        // URLDecoder takes + for a blank, which only queries mean.
        return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    private static PosthornException wrong(String why) {
        return new PosthornException(
                PosthornException.CONFIGURATION,
                "DATABASE_URL is no database URL: " + why + "; such as postgres://user:password@host:5432/database");
    }

    /** Without user and password. */
    @Override
    public String toString() {
        return jdbcUrl.replaceAll("([?&](?:password|sslpassword)=)[^&]*", "$1***");
    }
}
