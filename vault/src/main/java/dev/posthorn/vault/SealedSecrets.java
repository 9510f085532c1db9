package dev.posthorn.vault;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Secrets as they stand in the database, and what opens and seals them. Thread-safe. */
final class SealedSecrets {
    private static final String READ = """
            SELECT s.owner_id, s.purpose, s.id, s.community_id, s.version, s.ciphertext, s.data_key_id, s.expires_at
            FROM posthorn.vault_secrets AS s
            WHERE s.owner_id = ANY (?)
              AND (s.expires_at IS NULL OR s.expires_at > posthorn.clock_now())
            ORDER BY s.owner_id, s.version DESC
            """;

    private final DataKeys keys;

    /** A row. */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    record Sealed(
            UUID ownerId,
            String purpose,
            UUID id,
            UUID communityId,
            int version,
            byte[] ciphertext,
            UUID dataKey,
            @Nullable Instant expiresAt) {}

    /** A secret that is sealed and not stored yet. */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    record Seal(UUID id, byte[] ciphertext, UUID dataKey) {}

    SealedSecrets(DataKeys keys) {
        this.keys = keys;
    }

    DataKeys keys() {
        return keys;
    }

    /** All secrets in use of the given owners, of one owner the newest first. */
    List<Sealed> select(Connection connection, Collection<UUID> ownerIds) throws SQLException {
        List<Sealed> sealed = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(READ)) {
            statement.setArray(1, connection.createArrayOf("uuid", ownerIds.toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    OffsetDateTime expires = row.getObject(8, OffsetDateTime.class);
                    sealed.add(new Sealed(
                            row.getObject(1, UUID.class),
                            row.getString(2),
                            row.getObject(3, UUID.class),
                            row.getObject(4, UUID.class),
                            row.getInt(5),
                            row.getBytes(6),
                            row.getObject(7, UUID.class),
                            expires == null ? null : expires.toInstant()));
                }
            }
        }
        return sealed;
    }

    /**
     * The secret in the clear.
     *
     * @throws GeneralSecurityException if it does not belong where it stands
     */
    String open(Connection connection, Sealed sealed) throws SQLException, GeneralSecurityException {
        byte[] plain = keys.byId(connection, sealed.dataKey())
                .decrypt(sealed.ciphertext(), associated(sealed.communityId(), sealed.id(), sealed.version()));
        return new String(plain, StandardCharsets.UTF_8);
    }

    /** Seals a secret under a new id. */
    Seal seal(Connection connection, UUID communityId, int version, String secret) throws SQLException {
        DataKeys.DataKey key = keys.current(connection);
        UUID id = UUID.randomUUID();
        try {
            byte[] ciphertext =
                    key.aead().encrypt(secret.getBytes(StandardCharsets.UTF_8), associated(communityId, id, version));
            return new Seal(id, ciphertext, key.id());
        } catch (GeneralSecurityException e) {
            throw new VaultException("a secret could not be encrypted: " + e.getMessage(), e);
        }
    }

    private static byte[] associated(UUID community, UUID secret, int version) {
        return ByteBuffer.allocate(36)
                .putLong(community.getMostSignificantBits())
                .putLong(community.getLeastSignificantBits())
                .putLong(secret.getMostSignificantBits())
                .putLong(secret.getLeastSignificantBits())
                .putInt(version)
                .array();
    }
}
