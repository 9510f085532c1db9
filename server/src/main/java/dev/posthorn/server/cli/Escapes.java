package dev.posthorn.server.cli;

/** Escapes in a line of text, as in JSON: backslash and {@code uXXXX}, or two backslashes; so every character can be written in ASCII. */
final class Escapes {
    private Escapes() {}

    /** The text that is meant; what only looks like an escape stays. */
    static String decode(String line) {
        StringBuilder text = new StringBuilder(line.length());
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (c == '\\' && line.startsWith("\\", i + 1)) {
                text.append(c);
                i++;
            } else if (c == '\\' && line.regionMatches(i + 1, "u", 0, 1) && isHex(line, i + 2)) {
                text.append((char) Integer.parseInt(line, i + 2, i + 6, 16));
                i += 5;
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    private static boolean isHex(String line, int from) {
        if (from + 4 > line.length()) {
            return false;
        }
        return line.substring(from, from + 4).matches("[0-9a-fA-F]{4}");
    }
}
