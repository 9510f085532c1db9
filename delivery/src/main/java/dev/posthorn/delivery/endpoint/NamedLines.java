package dev.posthorn.delivery.endpoint;

import java.util.LinkedHashMap;
import java.util.Map;

/** Named values as one text, as the vault keeps them: a line {@code name: value} each. Neither holds a line break or begins with a blank. */
final class NamedLines {
    private NamedLines() {}

    static String write(Map<String, String> values) {
        StringBuilder text = new StringBuilder();
        values.forEach(
                (name, value) -> text.append(name).append(": ").append(value).append('\n'));
        return text.toString();
    }

    static Map<String, String> read(String text) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String line : text.split("\n", -1)) {
            int colon = line.indexOf(": ");
            if (colon > 0) {
                values.put(line.substring(0, colon), line.substring(colon + 2));
            }
        }
        return values;
    }
}
