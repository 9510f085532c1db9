package dev.posthorn.integrations;

import dev.posthorn.integrations.connector.ConnectorException;
import dev.posthorn.integrations.connector.Credentials;
import dev.posthorn.integrations.connector.Failure;
import dev.posthorn.vault.SecretReader;
import dev.posthorn.vault.SecretValue;
import dev.posthorn.vault.Vault;
import dev.posthorn.vault.VaultException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Credentials out of the vault: a secret with fields is as it is, one of a single text is the credential {@code value}. Thread-safe. */
public final class VaultCredentials implements CredentialsSource {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Vault vault;

    /** Reads from a vault, which it does not close. */
    public VaultCredentials(Vault vault) {
        this.vault = vault;
    }

    @Override
    public Credentials read(UUID communityId, UUID secretId, UUID integrationId) throws ConnectorException {
        SecretReader reader = new SecretReader("integration:" + integrationId, "integration");
        try (SecretValue value = vault.read(communityId, secretId, reader)) {
            return credentials(value.bytes());
        } catch (VaultException e) {
            throw switch (e.reason()) {
                case NOT_FOUND, EXPIRED ->
                    new ConnectorException(
                            Failure.CREDENTIALS,
                            "the credentials are no longer in the vault, or have expired; store them again",
                            e);
                default -> new ConnectorException(Failure.INTERNAL, "the vault does not give the credentials now", e);
            };
        }
    }

    private static Credentials credentials(byte[] value) {
        JsonNode json;
        try {
            json = JSON.readTree(value);
        } catch (JacksonException notJson) {
            json = null;
        }
        if (json == null || !json.isObject()) {
            return Credentials.of(Map.of("value", new String(value, StandardCharsets.UTF_8)));
        }
        Map<String, String> values = new LinkedHashMap<>();
        json.properties().forEach(field -> {
            if (field.getValue().isString()) {
                values.put(field.getKey(), field.getValue().stringValue());
            }
        });
        return Credentials.of(values);
    }
}
