package dev.posthorn.integrations.push;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.posthorn.integrations.connector.PushRequest;
import java.util.Base64;
import java.util.List;

/**
 * User and password (RFC 7617). Proves who sends, not what was sent: whoever has seen a request can send others.
 *
 * @param passwords any of which fits
 */
record BasicLogin(String username, List<String> passwords) implements Verification {
    private static final String SCHEME = "Basic ";

    @Override
    public String verify(PushRequest request) throws NotGenuineException {
        String header = request.header("authorization").orElse("");
        if (!header.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            throw new NotGenuineException("user and password are missing (HTTP Basic)");
        }
        String received;
        try {
            received = new String(
                    Base64.getDecoder().decode(header.substring(SCHEME.length()).strip()), UTF_8);
        } catch (IllegalArgumentException e) {
            throw new NotGenuineException("user and password are not written as HTTP Basic writes them");
        }
        if (!Verification.isOneOf(
                received, passwords.stream().map(each -> username + ":" + each).toList())) {
            throw new NotGenuineException("user or password is wrong");
        }
        return Verification.hash(request.body());
    }

    /** Prints no secret. */
    @Override
    public String toString() {
        return "basic";
    }
}
