package dev.posthorn.integrations.httpjson;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.integrations.mapping.ExactJson;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Finds out that pages go round in circles: a place that was seen, a page that was seen, or many without a record. For one thread. */
final class ProgressGuard {
    private static final int MOST_EMPTY = 100;

    private final Set<Long> places = new HashSet<>();
    private final Set<Long> pages = new HashSet<>();
    private int empty;

    /** @throws ConnectorException if the page does not bring reading on */
    void page(List<JsonNode> elements) throws ConnectorException {
        empty = elements.isEmpty() ? empty + 1 : 0;
        if (empty > MOST_EMPTY) {
            throw stuck("more than " + MOST_EMPTY
                    + " pages in a row have no record, and another page is announced after each");
        }
        if (!elements.isEmpty() && !pages.add(hash(elements))) {
            throw stuck(
                    "a page with the very same records came before; does the other side know the parameter that says"
                            + " which page is wanted?");
        }
    }

    /** @throws ConnectorException if that was the next place before */
    void next(JsonNode place) throws ConnectorException {
        if (!places.add(hash(List.of(place)))) {
            throw stuck("the next page is one that was read before, so that reading would never end");
        }
    }

    private static ConnectorException stuck(String sentence) {
        return new ConnectorException(Failure.INCONSISTENT, sentence);
    }

    private static long hash(List<JsonNode> documents) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            documents.forEach(each -> digest.update(ExactJson.bytes(each)));
            return ByteBuffer.wrap(digest.digest()).getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
