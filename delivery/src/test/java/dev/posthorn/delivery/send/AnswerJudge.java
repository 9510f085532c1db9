package dev.posthorn.delivery.send;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a client must make of the bytes that a server sent, written after RFC 9112 and knowing nothing of the client. It decides twice: what
 * every client must take for an answer, and what a lenient one may.
 */
final class AnswerJudge {
    /** A reason may not begin with a byte beyond ASCII here, because the client refuses that although RFC 9112 lets it pass. */
    private static final Pattern STRICT_STATUS_LINE =
            Pattern.compile("HTTP/1\\.[01] ([1-9][0-9]{2}) (?:[\\x20-\\x7e][\\t\\x20-\\x7e\\x80-\\xff]*)?");
    /** RFC 9112, section 4: a recipient may split at white space; some servers leave out the blank before an empty reason. */
    private static final Pattern LENIENT_STATUS_LINE = Pattern.compile(
            "HTTP/1\\.[01] +([1-9][0-9]{2})(?: [\\t\\x20-\\x7e\\x80-\\xff]*)?", Pattern.CASE_INSENSITIVE);

    private static final Pattern FIELD =
            Pattern.compile("([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \\t]*([\\t\\x20-\\x7e\\x80-\\xff]*?)[ \\t]*");
    private static final Pattern CHUNK = Pattern.compile("([0-9A-Fa-f]{1,7})(?:[ \\t]*;[\\t\\x20-\\x7e\\x80-\\xff]*)?");
    private static final int INTERIM = 8;
    private static final int HEADERS = 128;
    private static final int HEAD_BYTES = 32 * 1024;

    private final String text;
    private final boolean strict;
    private int at;

    /**
     * What an answer is.
     *
     * @param status of the final response; 0 if its head is not there, not complete or malformed
     * @param end where the whole answer ends; -1 if it does not, or only with the connection
     */
    record Judgement(int status, int end) {
        static final Judgement NONE = new Judgement(0, -1);

        boolean delivered() {
            return status >= 200 && status <= 299;
        }
    }

    private record Head(int status, List<String> length, List<String> coding) {}

    private AnswerJudge(byte[] bytes, boolean strict) {
        text = new String(bytes, StandardCharsets.ISO_8859_1);
        this.strict = strict;
    }

    /** What every client must take it for; {@link Judgement#NONE} also for what only some take for an answer. */
    static Judgement strictly(byte[] bytes) {
        return new AnswerJudge(bytes, true).judge();
    }

    /** What a lenient client may take it for; whoever takes it for more is wrong. */
    static Judgement leniently(byte[] bytes) {
        return new AnswerJudge(bytes, false).judge();
    }

    private Judgement judge() {
        try {
            for (int interim = 0; interim <= INTERIM; interim++) {
                Head head = head();
                if (head.status == 101 || head.status >= 200) {
                    return new Judgement(head.status, end(head));
                }
            }
        } catch (Malformed e) {
            // No answer.
        }
        return Judgement.NONE;
    }

    private static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed() {
            super(null, null, false, false);
        }
    }

    private Head head() throws Malformed {
        int begin = at;
        String statusLine = line();
        while (!strict && statusLine.isEmpty()) {
            statusLine = line();
        }
        Matcher status = (strict ? STRICT_STATUS_LINE : LENIENT_STATUS_LINE).matcher(statusLine);
        require(status.matches());
        List<String> length = new ArrayList<>();
        List<String> coding = new ArrayList<>();
        int count = 0;
        String last = "";
        for (String line = line(); !line.isEmpty(); line = line()) {
            // RFC 9112, section 5.2: a continued line, which a user agent must join.
            boolean folded = line.charAt(0) == ' ' || line.charAt(0) == '\t';
            require(!folded || (!strict && count > 0));
            if (folded) {
                require(!last.equals("content-length") && !last.equals("transfer-encoding"));
                continue;
            }
            Matcher field = FIELD.matcher(line);
            require(field.matches());
            require(++count <= HEADERS);
            last = field.group(1).toLowerCase(Locale.ROOT);
            if (last.equals("content-length")) {
                length.add(field.group(2));
            } else if (last.equals("transfer-encoding")) {
                coding.add(field.group(2).toLowerCase(Locale.ROOT));
            }
        }
        require(at - begin <= HEAD_BYTES);
        for (String each : length) {
            require(each.matches("[0-9]{1,18}") && Long.parseLong(each) == Long.parseLong(length.getFirst()));
        }
        require(!strict || length.size() <= 1);
        // Two framings are one too many (RFC 9112, section 6.3).
        require(length.isEmpty() || coding.isEmpty());
        require(!strict || coding.isEmpty() || coding.equals(List.of("chunked")));
        return new Head(Integer.parseInt(status.group(1)), length, coding);
    }

    private int end(Head head) {
        if (head.status == 204 || head.status == 304) {
            return at;
        }
        if (head.status == 101) {
            return -1;
        }
        if (!head.coding.isEmpty()) {
            try {
                chunks();
                return at;
            } catch (Malformed e) {
                return -1;
            }
        }
        if (head.length.isEmpty()) {
            return -1;
        }
        long end = at + Long.parseLong(head.length.getFirst());
        return end <= text.length() ? (int) end : -1;
    }

    private void chunks() throws Malformed {
        while (true) {
            Matcher chunk = CHUNK.matcher(line());
            require(chunk.matches());
            int size = Integer.parseInt(chunk.group(1), 16);
            if (size == 0) {
                break;
            }
            require(at + size <= text.length());
            at += size;
            require(line().isEmpty());
        }
        for (String line = line(); !line.isEmpty(); line = line()) {
            require(FIELD.matcher(line).matches());
        }
    }

    /** The next line without its end; a bare line feed ends it only for the lenient (RFC 9112, section 2.2). */
    private String line() throws Malformed {
        int end = text.indexOf('\n', at);
        require(end >= 0);
        boolean crlf = end > at && text.charAt(end - 1) == '\r';
        require(crlf || !strict);
        String line = text.substring(at, crlf ? end - 1 : end);
        require(line.indexOf('\r') < 0);
        at = end + 1;
        return line;
    }

    private static void require(boolean condition) throws Malformed {
        if (!condition) {
            throw new Malformed();
        }
    }
}
