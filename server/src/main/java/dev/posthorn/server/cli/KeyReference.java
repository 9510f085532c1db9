package dev.posthorn.server.cli;

import dev.posthorn.apikeys.ApiKey;
import dev.posthorn.server.PosthornException;
import dev.posthorn.server.rest.ApiDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

/** How a key is named on the command line: by its id or by its prefix, never by itself. */
final class KeyReference {
    static final String WORDS = "id of the key, or its first 16 characters";

    private static final int WRONG_COMMAND_LINE = 2;
    private static final String BY_PREFIX = """
            SELECT k.id FROM posthorn.api_key_summary AS k WHERE k.prefix = ?::text
            UNION
            SELECT h.api_key_id FROM posthorn.api_key_previous_hashes AS h WHERE h.prefix = ?::text AND h.expires_at > posthorn.clock_now()
            """;
    private static final String BY_ID = "SELECT k.id FROM posthorn.api_key_summary AS k WHERE k.id = ?::uuid";

    private KeyReference() {}

    /** @throws PosthornException if there is no such key, or it is named in a way that names none */
    static UUID find(Connection connection, String given) throws SQLException {
        List<String> found;
        if (given.length() == ApiKey.PREFIX_LENGTH && given.startsWith("ph_")) {
            found = ApiDatabase.rows(connection, BY_PREFIX, given, given);
        } else if (given.startsWith("ph_")) {
            // It is not repeated: it may be a whole key, which now stands in the shell's history anyway.
            throw new PosthornException(
                    WRONG_COMMAND_LINE,
                    "a key is named by its id or its first 16 characters; do not put a whole key on a command line");
        } else {
            found = ApiDatabase.rows(connection, BY_ID, id(given));
        }
        return switch (found.size()) {
            case 0 ->
                throw new PosthornException(1, "there is no API key " + given + "; see: posthorn keys list --all");
            case 1 -> UUID.fromString(found.get(0));
            default ->
                throw new PosthornException(
                        1, "several keys begin with " + given + "; name it by its id: " + String.join(", ", found));
        };
    }

    private static UUID id(String given) {
        try {
            return UUID.fromString(given);
        } catch (IllegalArgumentException e) {
            throw new PosthornException(
                    WRONG_COMMAND_LINE, "\"" + given + "\" names no key; give its id, or its first 16 characters");
        }
    }
}
