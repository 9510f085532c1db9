package dev.posthorn.server.rest;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Finds the communities that requests name, each asked of the database after the request came: nothing is remembered, so that a community
 * that was renamed is never taken for another. Requests that come while a question is under way share the next one. Thread-safe.
 */
final class CommunityLookup {
    private static final String FIND = """
            SELECT r.reference, posthorn.find_community(r.reference)
            FROM unnest(?::text[]) AS r (reference)
            """;

    private final ApiDatabase database;
    private final ReentrantLock lock = new ReentrantLock();
    private Map<String, CompletableFuture<Optional<UUID>>> waiting = new HashMap<>();
    private boolean asking;

    /** @param database as the service */
    CommunityLookup(ApiDatabase database) {
        this.database = database;
    }

    /**
     * The community of a reference.
     *
     * @param reference its id, or {@code ext:} and its external id
     * @return empty if there is none
     */
    Optional<UUID> find(String reference) throws SQLException {
        if (reference.indexOf('\0') >= 0) {
            // The database takes no such text, and what shares the question would not be answered either.
            return Optional.empty();
        }
        CompletableFuture<Optional<UUID>> answer;
        boolean ask;
        lock.lock();
        try {
            answer = waiting.computeIfAbsent(reference, named -> new CompletableFuture<>());
            ask = !asking;
            asking = true;
        } finally {
            lock.unlock();
        }
        if (ask) {
            Thread.ofVirtual().name("posthorn-communities").start(this::ask);
        }
        try {
            return answer.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof SQLException sql) {
                throw sql;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    private void ask() {
        for (var asked = next(); !asked.isEmpty(); asked = next()) {
            var question = asked;
            try {
                Map<String, UUID> found = database.transaction(connection -> find(connection, question));
                question.forEach((reference, answer) -> answer.complete(Optional.ofNullable(found.get(reference))));
            } catch (SQLException | RuntimeException | Error e) {
                question.values().forEach(answer -> answer.completeExceptionally(e));
            }
        }
    }

    private Map<String, CompletableFuture<Optional<UUID>>> next() {
        lock.lock();
        try {
            var asked = waiting;
            waiting = new HashMap<>();
            asking = !asked.isEmpty();
            return asked;
        } finally {
            lock.unlock();
        }
    }

    private static Map<String, UUID> find(Connection connection, Map<String, ?> question) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setArray(
                    1, connection.createArrayOf("text", question.keySet().toArray(String[]::new)));
            Map<String, UUID> found = new HashMap<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    UUID community = row.getObject(2, UUID.class);
                    if (community != null) {
                        found.put(row.getString(1), community);
                    }
                }
            }
            return found;
        }
    }
}
