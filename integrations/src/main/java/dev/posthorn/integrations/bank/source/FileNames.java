package dev.posthorn.integrations.bank.source;

import dev.posthorn.integrations.bank.statement.BadFileException;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * Which files are read: those whose name matches the pattern, none that is to be ignored, none that is hidden or looks half-written. Patterns know
 * {@code *} and {@code ?}; letters count as written.
 */
public final class FileNames implements Predicate<String> {
    private static final List<String> UNFINISHED =
            List.of(".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".lock", "~");

    private final String wanted;
    private final List<String> ignored;

    /** These, without those. */
    public FileNames(String pattern, List<String> ignore) {
        wanted = pattern;
        ignored = List.copyOf(ignore);
    }

    @Override
    public boolean test(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return !name.startsWith(".")
                && name.indexOf('/') < 0
                && UNFINISHED.stream().noneMatch(lower::endsWith)
                && matches(wanted, name)
                && ignored.stream().noneMatch(pattern -> matches(pattern, name));
    }

    /** In linear space and at most quadratic time, whatever the pattern. */
    static boolean matches(String pattern, String name) {
        int at = 0;
        int star = -1;
        int after = 0;
        int i = 0;
        while (i < name.length()) {
            char wantedHere = at < pattern.length() ? pattern.charAt(at) : 0;
            if (wantedHere == '*') {
                star = at++;
                after = i;
            } else if (at < pattern.length() && (wantedHere == '?' || wantedHere == name.charAt(i))) {
                at++;
                i++;
            } else if (star >= 0) {
                // The last star takes one character more.
                at = star + 1;
                i = ++after;
            } else {
                return false;
            }
        }
        while (at < pattern.length() && pattern.charAt(at) == '*') {
            at++;
        }
        return at == pattern.length();
    }

    static BadFileException tooLarge(int largest) {
        return BadFileException.misconfigured("it is larger than " + largest
                + " bytes; raise \"max_file_bytes\", or let the pattern or \"ignore\" leave it out");
    }
}
