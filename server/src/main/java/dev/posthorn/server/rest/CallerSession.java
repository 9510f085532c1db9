package dev.posthorn.server.rest;

import dev.posthorn.apikeys.verify.StoredKey;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.UUID;

/**
 * Who a transaction acts for. A service key's is the service; a community's key's is a member whom row level security shows that community,
 * as far as the key's scopes go. Either is named in the audit log.
 */
final class CallerSession {
    private static final String SERVICE = "SELECT set_config('posthorn.actor', ?, true)";
    private static final String MEMBER = """
            SELECT set_config('posthorn.actor', ?, true), set_config('posthorn.community_id', ?, true),
                   set_config('posthorn.scopes', ?, true), set_config('role', 'posthorn_member', true)
            """;

    private CallerSession() {}

    /** What an open transaction of the service begins with. */
    @FunctionalInterface
    interface Entry {
        void into(Connection connection) throws SQLException;
    }

    /** Makes the open transaction, which acts as the service, act for the key. */
    static void enter(Connection connection, StoredKey key) throws SQLException {
        UUID community = key.communityId();
        if (community == null) {
            name(connection, key);
            return;
        }
        try (PreparedStatement statement = connection.prepareStatement(MEMBER)) {
            statement.setString(1, actor(key));
            statement.setString(2, community.toString());
            statement.setString(3, String.join(" ", visible(key)));
            statement.execute();
        }
    }

    /** Names the key to the audit log; the transaction goes on acting as the service. */
    static void name(Connection connection, StoredKey key) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SERVICE)) {
            statement.setString(1, actor(key));
            statement.execute();
        }
    }

    private static String actor(StoredKey key) {
        return "key:" + key.id();
    }

    /**
     * The scopes with what the answers of their routes show: a thing that was written is answered as it stands now, an event with its
     * deliveries. The routes ask for scopes themselves, by what the key holds; this is the second wall.
     */
    private static Set<String> visible(StoredKey key) {
        Set<String> visible = new LinkedHashSet<>(key.scopes());
        for (String scope : key.scopes()) {
            if (scope.endsWith(":write")) {
                visible.add(scope.substring(0, scope.length() - "write".length()) + "read");
            }
            if (scope.equals("events:read") || scope.equals("events:*")) {
                visible.add("webhooks:read");
            }
        }
        return visible;
    }
}
