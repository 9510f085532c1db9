package dev.posthorn.integrations.bank.format;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An element with all that is in it; names without namespace. Not for several threads. */
final class XmlElement {
    private final String name;
    private final Map<String, String> attributes;
    private final List<XmlElement> children = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();

    XmlElement(String name, Map<String, String> attributes) {
        this.name = name;
        this.attributes = attributes;
    }

    String name() {
        return name;
    }

    void add(XmlElement child) {
        children.add(child);
    }

    /** The children of another, behind one's own, which the other is left without. */
    void adoptChildrenOf(XmlElement other) {
        children.addAll(other.children);
        other.children.clear();
    }

    void append(CharSequence more) {
        text.append(more);
    }

    @Nullable
    String attribute(String attribute) {
        return attributes.get(attribute);
    }

    /** Its own text, stripped; null if there is none. */
    @Nullable
    String text() {
        String own = text.toString().strip();
        return own.isEmpty() ? null : own;
    }

    /** The children of a name. */
    List<XmlElement> all(String childName) {
        return children.stream().filter(child -> child.name.equals(childName)).toList();
    }

    /** The first element down a path. */
    @Nullable
    XmlElement find(String... path) {
        XmlElement at = this;
        for (String step : path) {
            XmlElement next = null;
            for (XmlElement child : at.children) {
                if (child.name.equals(step)) {
                    next = child;
                    break;
                }
            }
            if (next == null) {
                return null;
            }
            at = next;
        }
        return at;
    }

    /** The text of the first element down a path. */
    @Nullable
    String text(String... path) {
        XmlElement found = find(path);
        return found == null ? null : found.text();
    }
}
