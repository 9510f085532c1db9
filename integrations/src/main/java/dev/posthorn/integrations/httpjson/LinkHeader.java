package dev.posthorn.integrations.httpjson;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads {@code Link} headers (RFC 8288, section 3). */
final class LinkHeader {
    private static final Pattern LINK = Pattern.compile("\\G[\\s,]*<([^>]*)>");
    private static final Pattern PARAMETER = Pattern.compile(
            "\\G\\s*;\\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\\*?(?:\\s*=\\s*(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|([^\\s;,\"]*+)))?");

    private LinkHeader() {}

    /**
     * The target of the first link with this relation, as it stands there: may be relative.
     *
     * @param values of all headers of that name
     */
    static Optional<String> target(List<String> values, String relation) {
        for (String value : values) {
            Matcher link = LINK.matcher(value);
            int at = 0;
            while (link.find(at)) {
                at = link.end();
                String relations = null;
                Matcher parameter = PARAMETER.matcher(value);
                while (parameter.find(at)) {
                    at = parameter.end();
                    if (relations == null && parameter.group(1).equalsIgnoreCase("rel")) {
                        String quoted = parameter.group(2);
                        relations = quoted == null ? String.valueOf(parameter.group(3)) : quoted;
                    }
                }
                if (relations != null
                        && List.of(relations.split("\\s+", -1)).stream().anyMatch(relation::equalsIgnoreCase)) {
                    return Optional.of(link.group(1));
                }
            }
        }
        return Optional.empty();
    }
}
