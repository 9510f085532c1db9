package dev.posthorn.server.integrations;

import dev.posthorn.server.rest.ApiRequest;
import dev.posthorn.server.rest.Problem;
import dev.posthorn.vault.NewSecret;
import dev.posthorn.vault.SecretAuthor;
import dev.posthorn.vault.SecretChange;
import dev.posthorn.vault.Vault;
import dev.posthorn.vault.VaultException;
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
        List<String> fields = List.copyOf(values.propertyNames());
        byte[] bytes = ApiRequest.JSON.writeValueAsBytes(values);
        SecretAuthor author = SecretAuthor.of("key:" + request.caller().id());
        Optional<UUID> known = find(request, community, integration);
        UUID secret;
        try {
            secret = known.isPresent()
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
        request.database().one(SET, integration, secret);
    }

    /** Forgets them; does nothing if there are none. */
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
