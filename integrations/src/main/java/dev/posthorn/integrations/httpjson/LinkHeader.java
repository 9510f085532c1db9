package dev.posthorn.integrations.httpjson;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads {@code Link} headers (RFC 8288, section 3). Without regular expressions, whose recursion a hostile header could exhaust. */
final class LinkHeader {
    private final String text;
    private int at;

    private LinkHeader(String text) {
        this.text = text;
    }

    /**
     * The target of the first link with this relation, as it stands there: may be relative.
     *
     * @param values of all headers of that name
     */
    static Optional<String> target(List<String> values, String relation) {
        for (String value : values) {
            String target = new LinkHeader(value).target(relation);
            if (target != null) {
                return Optional.of(target);
            }
        }
        return Optional.empty();
    }

    private @Nullable String target(String relation) {
        while (true) {
            skip(" \t,");
            int end = text.indexOf('>', at);
            if (at >= text.length() || text.charAt(at) != '<' || end < 0) {
                return null;
            }
            String target = text.substring(at + 1, end);
            at = end + 1;
            String relations = null;
            for (skip(" \t"); at < text.length() && text.charAt(at) == ';'; skip(" \t")) {
                at++;
                skip(" \t");
                String name = until("=;, \t");
                String value = value();
                // Only the first one counts (section 3.3).
                if (relations == null && name.equalsIgnoreCase("rel")) {
                    relations = value;
                }
            }
            if (relations != null
                    && List.of(relations.split("[ \t]+", -1)).stream().anyMatch(relation::equalsIgnoreCase)) {
                return target;
            }
        }
    }

    /** What follows an equals sign; empty if there is none. */
    private String value() {
        skip(" \t");
        if (at >= text.length() || text.charAt(at) != '=') {
            return "";
        }
        at++;
        skip(" \t");
        if (at >= text.length() || text.charAt(at) != '"') {
            return until(";, \t");
        }
        StringBuilder value = new StringBuilder();
        for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
            if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                at++;
            }
            value.append(text.charAt(at));
        }
        at++;
        return value.toString();
    }

    private String until(String ends) {
        int from = at;
        while (at < text.length() && ends.indexOf(text.charAt(at)) < 0) {
            at++;
        }
        return text.substring(from, at);
    }

    private void skip(String characters) {
        while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }
}
