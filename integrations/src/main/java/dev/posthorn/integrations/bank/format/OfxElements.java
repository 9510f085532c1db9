package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes a tree of OFX, of the SGML of version 1 as well as of the XML of version 2: the grammar is the same but for end tags, which elements with a
 * text may lack in the former. Knows no document type and no entities but the five of XML and the blank of HTML, so there is nothing to expand.
 */
final class OfxElements {
    private static final int DEEPEST = 64;
    private static final Pattern TAG = Pattern.compile("<(/?)([A-Za-z0-9_.]{1,64})\\s*(/?)>");

    private OfxElements() {}

    /**
     * The element {@code OFX}.
     *
     * @throws BadFileException if there is none
     */
    static XmlElement read(String file) throws BadFileException {
        XmlElement root = new XmlElement("", Map.of());
        Deque<XmlElement> open = new ArrayDeque<>();
        open.push(root);
        Matcher tag = TAG.matcher(file);
        boolean more = tag.find();
        while (more) {
            boolean end = !tag.group(1).isEmpty();
            String name = tag.group(2);
            boolean empty = !tag.group(3).isEmpty();
            int textFrom = tag.end();
            more = tag.find();
            String text = unescaped(file.substring(textFrom, more ? tag.start() : file.length()))
                    .strip();
            if (end) {
                close(open, name);
            } else if (!empty) {
                XmlElement element = new XmlElement(name, Map.of());
                open.element().add(element);
                if (text.isEmpty()) {
                    // An aggregate, or an element without a text; which, its end will show.
                    open.push(element);
                    if (open.size() > DEEPEST) {
                        throw BadFileException.malformed("elements are nested more than " + DEEPEST + " deep");
                    }
                } else {
                    element.append(text);
                }
            }
        }
        XmlElement ofx = root.find("OFX");
        if (ofx == null || open.size() > 1) {
            throw BadFileException.malformed(
                    ofx == null ? "it is no OFX: it has no <OFX>" : "it ends before </OFX>; the file may not be whole");
        }
        return ofx;
    }

    /** What was not closed within was an element without a text; what seems to be in it stands behind it. */
    private static void close(Deque<XmlElement> open, String name) {
        if (open.stream().noneMatch(element -> element.name().equals(name))) {
            // The end of an element with a text.
            return;
        }
        while (!open.element().name().equals(name)) {
            XmlElement unclosed = open.pop();
            open.element().adoptChildrenOf(unclosed);
        }
        open.pop();
    }

    private static String unescaped(String text) {
        return text.indexOf('&') < 0
                ? text
                : text.replace("&lt;", "<")
                        .replace("&gt;", ">")
                        .replace("&quot;", "\"")
                        .replace("&apos;", "'")
                        .replace("&nbsp;", " ")
                        .replace("&amp;", "&");
    }
}
