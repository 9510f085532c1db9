package dev.posthorn.signing;

import dev.posthorn.signing.WebhookVerificationException.Reason;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What any header must be before it is read more closely. */
final class ReceivedHeader {
    /** Characters; servers accept no more, and nothing that is signed needs half of it. */
    static final int LONGEST = 8192;

    private ReceivedHeader() {}

    /** The value of a header that may stand there once, under a name in any case; null where it does not. */
    static @Nullable String single(Map<String, ? extends List<String>> headers, String name)
            throws WebhookVerificationException {
        String found = null;
        for (Map.Entry<String, ? extends List<String>> header : headers.entrySet()) {
            if (name.equalsIgnoreCase(header.getKey())) {
                for (String value : header.getValue()) {
                    if (found != null) {
                        throw new WebhookVerificationException(
                                Reason.DUPLICATE_HEADER, name + " must not stand there more than once");
                    }
                    found = value;
                }
            }
        }
        return found;
    }

    static String require(String name, @Nullable String value) throws WebhookVerificationException {
        if (value == null || value.isEmpty()) {
            throw new WebhookVerificationException(Reason.MISSING_HEADER, name + " is missing or empty");
        }
        if (value.length() > LONGEST) {
            throw new WebhookVerificationException(
                    Reason.MALFORMED_HEADER, name + " is longer than " + LONGEST + " characters");
        }
        if (!value.chars().allMatch(c -> c >= ' ' && c < 0x7f)) {
            throw new WebhookVerificationException(
                    Reason.MALFORMED_HEADER, name + " must be printable ASCII characters");
        }
        return value;
    }
}
