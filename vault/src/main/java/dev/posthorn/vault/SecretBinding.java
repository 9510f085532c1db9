package dev.posthorn.vault;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Where a ciphertext belongs; it opens nowhere else. Copied to another row, or given another purpose or owner, it is refused.
 *
 * @param owner null if the secret stands for itself
 */
record SecretBinding(
        UUID community, UUID secret, int version, @Nullable UUID owner, String purpose) {
    SecretBinding version(int other) {
        return new SecretBinding(community, secret, other, owner, purpose);
    }

    /** 16 bytes of community, 16 of secret, 4 of version (big-endian), 16 of owner or zeros, then the purpose. */
    byte[] associated() {
        byte[] word = purpose.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer bytes = ByteBuffer.allocate(52 + word.length);
        put(bytes, community);
        put(bytes, secret);
        bytes.putInt(version);
        put(bytes, owner == null ? new UUID(0, 0) : owner);
        return bytes.put(word).array();
    }

    private static void put(ByteBuffer bytes, UUID id) {
        bytes.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
    }
}
