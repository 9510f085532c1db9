package dev.posthorn.server.integrations;

import dev.posthorn.server.rest.ApiDatabase;
import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.NewSecret;
import dev.posthorn.vault.SecretAuthor;
import dev.posthorn.vault.SecretChange;
import dev.posthorn.vault.Vault;
import dev.posthorn.vault.VaultException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** The credentials that an integration has of its own, in the vault; what was stored is never shown. Thread-safe. */
public final class StoredCredentials {
    private static final String PURPOSE = "integration";
    private static final String NAME = "credentials";
    private static final String FIND = """
            SELECT s.id FROM posthorn.vault_secrets AS s
            WHERE s.community_id = ? AND s.purpose = ?::text AND s.owner_id = ? AND s.name = ?::text
            """;
    private static final String SET = "SELECT posthorn.set_integration_credentials(?::uuid, ?::uuid)";

    private final Vault vault;

    /** Stores in a vault. */
    public StoredCredentials(Vault vault) {
        this.vault = vault;
    }

    /** Stores them, in the place of those before. Killed between both steps, the old ones stay in use, or the new ones are a version of them. */
    void store(ApiRequest request, UUID community, UUID integration, JsonNode values) throws SQLException {
        request.database().one(SET, integration, put(request, community, integration, values));
    }

    /** Says in the transaction that makes an integration which credentials it has, {@link #put} before. */
    static void use(Connection connection, UUID integration, UUID secret) throws SQLException {
        ApiDatabase.rows(connection, SET, integration, secret);
    }

    /** Puts them into the vault, for an integration that may not be there yet: upkeep deletes what nobody came to own. */
    UUID put(ApiRequest request, UUID community, UUID integration, JsonNode values) throws SQLException {
        List<String> fields = List.copyOf(values.propertyNames());
        byte[] bytes = ApiRequest.JSON.writeValueAsBytes(values);
        SecretAuthor author = SecretAuthor.of("key:" + request.caller().id());
        Optional<UUID> known = find(request, community, integration);
        try {
            return known.isPresent()
                    ? vault.put(community, known.get(), bytes, SecretChange.value(fields), author)
                            .id()
                    : vault.create(
                                    new NewSecret(community, PURPOSE, integration, NAME, "", fields, null),
                                    bytes,
                                    author)
                            .id();
        } catch (VaultException e) {
            throw switch (e.reason()) {
                case INVALID -> Problem.invalid("", String.valueOf(e.getMessage()));
                case CONFLICT -> Problem.conflict("somebody else stored credentials at the same moment; try again");
                default -> Problem.unavailable("the vault does not take the credentials now; try again");
            };
        }
    }

    /** Takes back what was {@link #put} for an integration that was then not made. */
    void withdraw(ApiRequest request, UUID community, UUID secret) {
        vault.delete(community, secret, "key:" + request.caller().id());
    }

    /** Forgets them, if there are any. Of a deleted integration only another store still has some, and killed here a node deletes them later. */
    void delete(ApiRequest request, UUID community, UUID integration) throws SQLException {
        Optional<UUID> known = find(request, community, integration);
        request.service().one(SET, integration, null);
        if (known.isPresent()) {
            vault.delete(community, known.get(), "key:" + request.caller().id());
        }
    }

    private static Optional<UUID> find(ApiRequest request, UUID community, UUID integration) throws SQLException {
        return request.service()
                .one(FIND, community, PURPOSE, integration, NAME)
                .map(UUID::fromString);
    }
}
