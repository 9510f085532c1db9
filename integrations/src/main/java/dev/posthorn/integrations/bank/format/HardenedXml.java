package dev.posthorn.integrations.bank.format;

import dev.posthorn.integrations.bank.statement.BadFileException;
import java.io.ByteArrayInputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.jspecify.annotations.Nullable;

/** XML from strangers: no document type, hence no entities of theirs, nothing fetched, no depth without bottom. For one thread. */
final class HardenedXml implements AutoCloseable {
    private static final int DEEPEST = 64;
    private static final XMLInputFactory FACTORY = factory();

    private final XMLStreamReader reader;
    private int depth;

    HardenedXml(byte[] file) throws BadFileException {
        try {
            reader = FACTORY.createXMLStreamReader(new ByteArrayInputStream(file));
        } catch (XMLStreamException e) {
            throw malformed(e);
        }
    }

    /** The JDK's own, whatever else is on the class path. */
    private static XMLInputFactory factory() {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        factory.setProperty(XMLInputFactory.IS_COALESCING, false);
        factory.setXMLResolver((publicId, systemId, base, namespace) -> {
            throw new XMLStreamException("nothing is fetched");
        });
        return factory;
    }

    /** Goes to the next start of an element; null at the end of the element around it, or of the file. */
    @Nullable
    String nextElement() throws BadFileException {
        while (true) {
            switch (next()) {
                case XMLStreamConstants.START_ELEMENT -> {
                    return reader.getLocalName();
                }
                case XMLStreamConstants.END_ELEMENT, XMLStreamConstants.END_DOCUMENT -> {
                    return null;
                }
                default -> {
                    // Text between elements says nothing.
                }
            }
        }
    }

    /** Whether the file has more; else its end has been seen, and it is well-formed. */
    boolean hasNext() throws BadFileException {
        try {
            return reader.hasNext();
        } catch (XMLStreamException e) {
            throw malformed(e);
        }
    }

    /** The namespace of the element that was just begun. */
    String namespace() {
        String namespace = reader.getNamespaceURI();
        return namespace == null ? "" : namespace;
    }

    int line() {
        return reader.getLocation().getLineNumber();
    }

    /** Reads the element that was just begun, to its end. */
    XmlElement readElement() throws BadFileException {
        XmlElement root = begun();
        Deque<XmlElement> open = new ArrayDeque<>();
        open.push(root);
        while (!open.isEmpty()) {
            switch (next()) {
                case XMLStreamConstants.START_ELEMENT -> {
                    XmlElement child = begun();
                    open.element().add(child);
                    open.push(child);
                }
                case XMLStreamConstants.CHARACTERS, XMLStreamConstants.CDATA, XMLStreamConstants.SPACE ->
                    open.element().append(reader.getText());
                case XMLStreamConstants.END_ELEMENT -> open.pop();
                default -> {
                    // Comments and instructions are nobody's text.
                }
            }
        }
        return root;
    }

    private XmlElement begun() {
        Map<String, String> attributes = new HashMap<>();
        for (int i = 0; i < reader.getAttributeCount(); i++) {
            attributes.put(reader.getAttributeLocalName(i), reader.getAttributeValue(i));
        }
        return new XmlElement(reader.getLocalName(), attributes);
    }

    private int next() throws BadFileException {
        try {
            int event = reader.next();
            switch (event) {
                case XMLStreamConstants.START_ELEMENT -> {
                    if (++depth > DEEPEST) {
                        throw BadFileException.malformed(
                                "line " + line() + ": elements are nested more than " + DEEPEST + " deep");
                    }
                }
                case XMLStreamConstants.END_ELEMENT -> depth--;
                case XMLStreamConstants.DTD, XMLStreamConstants.ENTITY_REFERENCE ->
                    throw BadFileException.malformed("line " + line()
                            + ": it has a document type or an entity of its own, which statements never have");
                default -> {
                    // Nothing to guard against.
                }
            }
            return event;
        } catch (XMLStreamException e) {
            throw malformed(e);
        }
    }

    private static BadFileException malformed(XMLStreamException e) {
        int line = e.getLocation() == null ? -1 : e.getLocation().getLineNumber();
        return BadFileException.malformed((line < 0 ? "" : "line " + line + ": ") + "it is no well-formed XML");
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("an XML reader over bytes did not close", e);
        }
    }
}
