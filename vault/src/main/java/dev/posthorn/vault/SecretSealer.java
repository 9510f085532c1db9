package dev.posthorn.vault;

import dev.posthorn.vault.DataKeys.DataKey;
import java.security.GeneralSecurityException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;

/** Encrypts values for where they belong, and opens them there. Thread-safe. */
final class SecretSealer {
    private final DataKeys keys;

    /** An encrypted value and the key that opens it. */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    record Sealed(byte[] ciphertext, UUID dataKey) {}

    SecretSealer(DataKeys keys) {
        this.keys = keys;
    }

    Sealed seal(Connection connection, SecretBinding binding, byte[] value) throws SQLException {
        return seal(keys.current(connection), binding, value);
    }

    static Sealed seal(DataKey key, SecretBinding binding, byte[] value) {
        try {
            return new Sealed(key.aead().encrypt(value, binding.associated()), key.id());
        } catch (GeneralSecurityException e) {
            throw new VaultException("a secret could not be encrypted: " + e.getMessage(), e);
        }
    }

    /** The value; whoever takes it overwrites it after use. */
    byte[] open(Connection connection, SecretBinding binding, Sealed sealed) throws SQLException {
        try {
            return keys.byId(connection, sealed.dataKey()).decrypt(sealed.ciphertext(), binding.associated());
        } catch (GeneralSecurityException e) {
            throw new VaultException(
                    "version " + binding.version() + " of secret " + binding.secret()
                            + " does not belong where it stands; restore the table posthorn.vault_secret_versions",
                    e);
        }
    }
}
